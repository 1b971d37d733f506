import { z } from 'zod';
import type { createRouter } from '../../http/router.ts';
import { editFile } from './edit.ts';
import { removeValue, setValue, setValues, valuesOf } from './lists.ts';
import type { ManagementParts } from './parts.ts';
import { indexIn, invalid, jsonOf } from './request.ts';

const NAME = 'api-keys';
const PATH = '/v0/management/api-keys';

const list = z.array(z.string().min(1)).min(1);
const putSchema = z.union([list, z.object({ items: list }).transform(({ items }) => items)]);
const patchSchema = z.object({
  index: z.int().min(0).optional(),
  value: z.string().min(1).optional(),
  old: z.string().nullish(),
  new: z.string().min(1).optional(),
});

/** The keys of clients, in the file. */
export function addKeyRoutes(router: ReturnType<typeof createRouter>, parts: ManagementParts): void {
  router.get(PATH, (c) => c.json({ [NAME]: parts.live.current().clientKeys.map(({ rawKey }) => rawKey) }));

  router.put(PATH, async (c) => {
    const keys = await jsonOf(c, putSchema);
    await editFile(c, parts, (document) => setValues(document, NAME, keys));
    return c.json({ status: 'ok' });
  });

  router.patch(PATH, async (c) => {
    const { index, value, old, new: added } = await jsonOf(c, patchSchema);
    if ((index === undefined || value === undefined) && added === undefined) throw invalid('fields');
    await editFile(c, parts, (document) => {
      const keys = valuesOf(document, NAME);
      if (index !== undefined && value !== undefined) {
        if (index >= keys.length) throw invalid('item');
        return setValue(document, NAME, index, value);
      }
      const place = typeof old === 'string' ? keys.indexOf(old) : -1;
      if (place >= 0) setValue(document, NAME, place, added);
      else setValues(document, NAME, [...keys, added]);
    });
    return c.json({ status: 'ok' });
  });

  router.delete(PATH, async (c) => {
    const index = indexIn(c.req.query('index'));
    const value = c.req.query('value');
    if (index === undefined && !value) throw invalid('index_or_value');
    await editFile(c, parts, (document) => {
      const keys = valuesOf(document, NAME);
      const place = index ?? keys.indexOf(value);
      if (place < 0 || place >= keys.length) throw invalid('item');
      removeValue(document, NAME, place);
    });
    return c.json({ status: 'ok' });
  });
}

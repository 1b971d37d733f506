import { z } from 'zod';
import type { createRouter } from '../../http/router.ts';
import { editFile } from './edit.ts';
import { fieldsOf } from './fields.ts';
import { removeValue, setValues, valuesOf } from './lists.ts';
import type { ManagementParts } from './parts.ts';
import { indexIn, invalid, jsonOf } from './request.ts';

/** The lists of upstream credentials, and the fields that name an item of each. */
const LISTS = {
  'gemini-api-key': ['api-key'],
  'claude-api-key': ['api-key'],
  'codex-api-key': ['api-key'],
  'openai-compatibility': ['name'],
} as const;

type Item = Record<string, unknown>;

const item = z.record(z.string(), z.unknown());
const list = z.array(item);
const putSchema = z.union([list, z.object({ items: list }).transform(({ items }) => items)]);
const patchSchema = z.object({
  index: z.int().min(0).optional(),
  match: z.string().min(1).optional(),
  name: z.string().min(1).optional(),
  value: item,
});

/** The places of the items that fit. */
const placesOf = (items: readonly Item[], fits: (each: Item) => boolean) =>
  items.flatMap((each, place) => (fits(each) ? [place] : []));

/** An upstream of `openai-compatibility` has a list of keys. */
const hasKey = (each: Item, key: string): boolean => {
  const entries = each['api-key-entries'];
  return (
    each['api-key'] === key || (Array.isArray(entries) && entries.some((entry) => entry?.['api-key'] === key))
  );
};

/** The upstream credentials, in the file. The operator sees them as the file has them. */
export function addCredentialRoutes(router: ReturnType<typeof createRouter>, parts: ManagementParts): void {
  for (const [name, [field]] of Object.entries(LISTS)) {
    const path = `/v0/management/${name}`;

    router.get(path, async (c) => {
      const { [name]: items = [] } = fieldsOf(await parts.live.text());
      return c.json({ [name]: items });
    });

    router.put(path, async (c) => {
      const items = await jsonOf(c, putSchema);
      await editFile(c, parts, (document) => setValues(document, name, items));
      return c.json({ status: 'ok' });
    });

    router.patch(path, async (c) => {
      const { index, match, name: named, value } = await jsonOf(c, patchSchema);
      const wanted = match ?? named;
      if (index === undefined && wanted === undefined) throw invalid('fields');
      await editFile(c, parts, (document) => {
        const items = valuesOf(document, name) as Item[];
        const places = index === undefined ? placesOf(items, (each) => each[field] === wanted) : [index];
        if (places.length > 1) throw invalid('ambiguous');
        const [place] = places;
        const before = place === undefined ? undefined : items[place];
        if (place === undefined || !before) throw invalid('item');
        for (const [each, inner] of Object.entries(value))
          document.setIn([name, place, each], document.createNode(inner));
      });
      return c.json({ status: 'ok' });
    });

    router.delete(path, async (c) => {
      const index = indexIn(c.req.query('index'));
      const { 'api-key': key, name: named, 'base-url': baseUrl } = c.req.query();
      if (index === undefined && !key && !named) throw invalid('index_or_value');
      const fits = (each: Item) =>
        (!key || hasKey(each, key)) &&
        (!named || each.name === named) &&
        (baseUrl === undefined || (each['base-url'] ?? '') === baseUrl);
      await editFile(c, parts, (document) => {
        const items = valuesOf(document, name) as Item[];
        const places = index === undefined ? placesOf(items, fits) : [index];
        if (places.length > 1) throw invalid('base_url');
        const [place] = places;
        if (place === undefined || place >= items.length) throw invalid('item');
        removeKey(document, name, place, items[place], key);
      });
      return c.json({ status: 'ok' });
    });
  }
}

/** Removes an item, or one of its several keys. */
function removeKey(
  document: Parameters<typeof removeValue>[0],
  name: string,
  place: number,
  before: Item | undefined,
  key: string | undefined,
): void {
  const entries = before?.['api-key-entries'];
  const inner =
    key !== undefined && Array.isArray(entries)
      ? entries.findIndex((entry) => entry?.['api-key'] === key)
      : -1;
  if (Array.isArray(entries) && entries.length > 1 && inner >= 0)
    document.deleteIn([name, place, 'api-key-entries', inner]);
  else removeValue(document, name, place);
}

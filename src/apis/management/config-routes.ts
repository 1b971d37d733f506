import { z } from 'zod';
import { maskedConfig } from '../../gateway-file/mask.ts';
import type { HttpContext } from '../../http/context.ts';
import type { createRouter } from '../../http/router.ts';
import { editFile, keepGuards } from './edit.ts';
import { fieldsOf } from './fields.ts';
import type { ManagementParts } from './parts.ts';
import { invalid, jsonOf, recordChange } from './request.ts';
import { changedFields } from './shown.ts';

const CONFIG_YAML = '/v0/management/config.yaml';
const WS_AUTH = '/v0/management/ws-auth';

/** The file as a whole, and single settings. */
export function addConfigRoutes(router: ReturnType<typeof createRouter>, parts: ManagementParts): void {
  const { live } = parts;

  router.get('/v0/management/config', async (c) => c.json(maskedConfig(await live.text()) as object));

  router.get(CONFIG_YAML, async (c) =>
    c.body(await live.text(), 200, { 'Content-Type': 'application/yaml; charset=utf-8' }),
  );

  router.put(CONFIG_YAML, async (c) => {
    // The byte order mark stays, so that the file has the bytes that were sent.
    const text = Buffer.from(await c.req.arrayBuffer()).toString();
    if (text.trim() === '') throw invalid('body');
    const [before, after] = [fieldsOf(await live.text()), fieldsOf(text)];
    await live.replace(text, { check: keepGuards });
    await recordChange(c, parts, 'gateway.updated', changedFields(before, after));
    return c.json({ ok: true, changed: ['config'] });
  });

  router.get(WS_AUTH, (c) => c.json({ 'ws-auth': live.current().wsAuth }));

  const setWsAuth = async (c: HttpContext) => {
    const { value } = await jsonOf(c, z.object({ value: z.boolean() }));
    await editFile(c, parts, (document) => document.set('ws-auth', value));
    return c.json({ status: 'ok' });
  };
  router.put(WS_AUTH, setWsAuth);
  router.patch(WS_AUTH, setWsAuth);

  router.get('/v0/management/usage', async (c) => c.json(await parts.usageSummary()));
}

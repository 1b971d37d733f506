import { describe, expect, test } from 'vitest';
import { declaring } from '../support/declared-keys.ts';
import type { Call } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, temporaryDirectory } from '../support/keyhearth.ts';

const DECLARED = 'team-a-key-abc123';
const PATH = '/auth/keys/2';

async function started() {
  const dataDir = temporaryDirectory();
  const { send } = await bootstrapped({ dataDir });
  const declare = await declaring(dataDir);
  await declare([[DECLARED, 'Team A']]);
  const manage = (call: Call) => send({ key: FIRST_KEY, ...call });
  return { send, declare, manage, key: async () => (await manage({ path: PATH })).json };
}

describe('only the file decides about', () => {
  test.each<[string, Call]>([
    ['the label', { method: 'PATCH', path: PATH, body: { label: 'other' } }],
    ['the scopes', { method: 'PATCH', path: PATH, body: { scopes: ['gateway:use', 'invoices:read'] } }],
    ['fewer scopes', { method: 'PATCH', path: PATH, body: { owner: 'x', scopes: [] } }],
    ['the state', { method: 'POST', path: `${PATH}/deactivate` }],
    ['the state when it is the same', { method: 'POST', path: `${PATH}/activate` }],
    ['a successor', { method: 'POST', path: `${PATH}/rotate` }],
    ['a successor that the key asks for', { method: 'POST', path: '/auth/self/rotate', key: DECLARED }],
    ['the end', { method: 'DELETE', path: PATH }],
    ['the end that the key asks for', { method: 'DELETE', path: '/auth/self', key: DECLARED }],
  ])('%s', async (_what, call) => {
    const { manage, key, send } = await started();
    const before = await key();
    expect(await manage(call)).toMatchObject({
      status: 409,
      json: { code: 'api_key_declared', detail: expect.stringContaining('api-keys of config.yaml') },
    });
    expect({ ...(await key()), last_used_at: null, use_count: 0 }).toEqual({
      ...before,
      last_used_at: null,
      use_count: 0,
    });
    expect((await send({ path: '/auth/verify', key: DECLARED })).status).toBe(200);
  });
});

describe('a declared key', () => {
  test('takes all other settings', async () => {
    const { manage } = await started();
    const settings = {
      ...{ owner: 'ops@example.com', expires_at: 4_000_000_000, allowed_ips: ['127.0.0.1'] },
      ...{ rate_limits: [{ name: 'day', limit: 9, window: '1d' }], max_concurrent: 4, metadata: { a: 1 } },
    };
    const unchanged = { label: 'Team A', scopes: ['gateway:use'] };
    const answer = await manage({ method: 'PATCH', path: PATH, body: { ...settings, ...unchanged } });
    expect(answer).toMatchObject({ status: 200, json: { ...settings, ...unchanged } });
  });

  test('can be deleted when no file declares it, and not be activated', async () => {
    const { manage, declare } = await started();
    await declare([]);
    expect((await manage({ method: 'POST', path: `${PATH}/activate` })).json.code).toBe('api_key_declared');
    expect((await manage({ method: 'DELETE', path: PATH })).status).toBe(204);
    expect((await manage({ path: PATH })).status).toBe(404);
    expect(await declare([DECLARED])).toMatchObject({ state: 'changed', added: ['team'] });
  });

  test('says that it is declared only to those who may change it', async () => {
    const { manage } = await started();
    const narrow = await manage({
      ...{ method: 'POST', path: '/auth/keys' },
      body: { label: 'narrow', scopes: ['keys:write'] },
    });
    const answer = await manage({ method: 'DELETE', path: PATH, key: narrow.json.raw_key });
    expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  });
});

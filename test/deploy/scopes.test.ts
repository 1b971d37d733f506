import { beforeAll, describe, expect, test } from 'vitest';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { edits } from './edits.ts';
import { isInstalled, proxies } from './proxies.ts';
import { type Stack, startStack } from './stack.ts';

describe.each(proxies.filter(isInstalled))('$name asks for a scope', (proxy) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack(proxy, edits.askForScope[proxy.name]);
    return () => stack.close();
  });

  test.each([
    ['invoices:read', 200],
    ['invoices:*', 200],
    ['orders:read', 403],
  ])('a key with %s gets %i, whatever the client adds to its query', async (scope, status) => {
    const create = { method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { scopes: [scope] } };
    const { json } = await stack.keyhearth.send(create);
    const send = stack.newClient();
    const headers = { 'X-API-Key': json.raw_key };
    for (const path of ['/', '/?scope=orders:read', '/?deny=403&scope='])
      expect((await send({ path, headers })).status).toBe(status);
  });
});

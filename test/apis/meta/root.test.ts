import { expect, test } from 'vitest';
import { metaRoutes } from '../../../src/apis/meta/routes.ts';
import { service, sqlIn } from '../../support/keyhearth.ts';

const ADMIN = { email: 'ada@example.com', password: 'correct horse battery staple' };

/** What Chromium and Firefox send. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

test.each([
  [BROWSER, 302],
  ['text/html', 302],
  ['application/json;q=0.5, text/html', 302],
  ['*/*', 200],
  ['application/json', 200],
  ['application/json, text/html;q=0.9', 200],
  ['text/html;q=0', 200],
  ['image/png', 200],
  [undefined, 200],
])('GET / with "Accept: %s" is a %i', async (accept, expected) => {
  const { send } = await service();
  const headers = accept === undefined ? {} : { Accept: accept };
  const { status, headers: sent, json } = await send({ path: '/', headers });
  expect({ status, vary: sent.vary }).toEqual({ status: expected, vary: 'Accept' });
  // Relative: behind a proxy that adds a path, it is below that path.
  expect(sent.location).toBe(expected === 302 ? 'dashboard' : undefined);
  if (expected === 200) expect(json).toMatchObject({ name: 'keyhearth', dashboard: '/dashboard' });
});

test('GET / names the set-up page until there is an administrator', async () => {
  const { send } = await service();
  expect((await send('/')).json.setup).toBe('/dashboard/setup');
  await send({ method: 'POST', path: '/auth/setup', body: ADMIN });
  expect((await send('/')).json).not.toHaveProperty('setup');
});

test('what cannot change any more is not read again', async () => {
  const { send, dataDir } = await service();
  await send({ method: 'POST', path: '/auth/setup', body: ADMIN });
  expect((await send('/')).json).not.toHaveProperty('setup');
  await sqlIn(dataDir, "update accounts set role = 'member'");
  expect((await send('/')).json).not.toHaveProperty('setup');
});

test('GET / says what the service is, also without its database', async () => {
  const ready = { checkDatabase: async () => undefined, isStopping: () => false, gatewayFile: undefined };
  const lost = metaRoutes({ ...ready, setup: { needsSetup: () => Promise.reject(new Error('lost')) } });
  const answer = await lost.request('/');
  expect(answer.status).toBe(200);
  expect(await answer.json()).not.toHaveProperty('setup');
});

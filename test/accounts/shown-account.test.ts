import { expect, test } from 'vitest';
import { ADMIN, cookiesOf, peopled } from '../support/people.ts';

test('a session is refused where the page shows another account, and nothing is done', async () => {
  const { send, adminId, admin } = await peopled();
  const cookie = cookiesOf(await send({ method: 'POST', path: '/auth/login', body: ADMIN }));
  const create = (shown: string) =>
    send({
      method: 'POST',
      path: '/auth/keys',
      headers: { Cookie: cookie, 'X-Keyhearth-Account': shown },
      body: { label: 'shown', scopes: [] },
    });
  for (const other of [crypto.randomUUID(), '', adminId.toUpperCase()]) {
    expect(await create(other)).toMatchObject({ status: 401, json: { code: 'invalid_session' } });
  }
  expect((await admin('GET', '/auth/keys?label=shown')).json.keys).toEqual([]);
  expect((await create(adminId)).status).toBe(201);
});

import { expect, test } from 'vitest';
import { FIRST_KEY, register } from '../../support/keyhearth.ts';
import { managed } from '../../support/management.ts';

test('operators see a ban, and can end it', async () => {
  const gateway = await managed('');
  await register(gateway.send);
  for (let i = 0; i < 5; i++)
    await gateway.manage({ path: 'ws-auth', headers: { Authorization: `Bearer wrong-${i}` } });
  expect(await gateway.manage({ path: 'ws-auth' })).toMatchObject({ status: 403 });
  const { json } = await gateway.send({ path: '/auth/lockouts', key: FIRST_KEY });
  expect(json.lockouts).toEqual([
    { kind: 'management', address: '127.0.0.1', failures: 5, locked_until: expect.any(Number) },
  ]);
  const ended = await gateway.send({ method: 'DELETE', path: '/auth/lockouts/127.0.0.1', key: FIRST_KEY });
  expect(ended.status).toBe(204);
  expect(await gateway.manage({ path: 'ws-auth' })).toMatchObject({ status: 200 });
  await expect
    .poll(() => gateway.events('address.locked'))
    .toMatchObject([
      { actor_kind: 'anonymous', address: '127.0.0.1', changes: { kind: { from: null, to: 'management' } } },
    ]);
});

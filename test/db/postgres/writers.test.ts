import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { bootstrapped, databaseFor, FIRST_KEY } from '../../support/keyhearth.ts';

test('while somebody holds the lock of writers, keys are verified and asked for, and changes are refused', async () => {
  const { send, dataDir } = await bootstrapped();
  const { DATABASE_URL: url } = await databaseFor(dataDir);
  const holder = new Client(url);
  await holder.connect();
  onTestFinished(() => holder.end());
  await holder.query(`select pg_advisory_lock(${0x4b487468})`);

  const change = () => send({ method: 'PATCH', path: '/auth/keys/1', key: FIRST_KEY, body: { label: 'x' } });
  await Promise.all(Array.from({ length: 24 }, () => send({ path: '/auth/keys', key: FIRST_KEY })));
  let isOver = false;
  const changes = Promise.all(Array.from({ length: 24 }, change)).finally(() => {
    isOver = true;
  });
  const statuses = { withKey: new Set<number>(), without: new Set<number>(), health: new Set<number>() };
  while (!isOver) {
    statuses.withKey.add((await send({ path: '/auth/verify', key: FIRST_KEY })).status);
    statuses.without.add((await send({ path: '/auth/verify' })).status);
    statuses.health.add((await send('/health')).status);
  }
  expect(statuses).toEqual({ withKey: new Set([200]), without: new Set([401]), health: new Set([200]) });
  for (const answer of await changes) {
    expect(answer).toMatchObject({ status: 503, json: { code: 'database_busy' } });
  }
  // Whoever has their connections next finds them as new.
  const lists = await Promise.all(
    Array.from({ length: 10 }, () => send({ path: '/auth/keys', key: FIRST_KEY })),
  );
  expect(new Set(lists.map(({ status }) => status))).toEqual(new Set([200]));
  await holder.query('select pg_advisory_unlock_all()');
  expect((await change()).status).toBe(200);
});

import { expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY, sqlIn } from '../../support/keyhearth.ts';

const cached = { env: { KEYHEARTH_CACHE: 'on' } };

async function withSecondKey() {
  const running = await bootstrapped(cached);
  const { json } = await running.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
  const verify = async () => (await running.send({ path: '/auth/verify', key: json.raw_key })).status;
  const change = (what: string) =>
    running.send({ method: 'POST', path: `/auth/keys/${json.id}/${what}`, key: FIRST_KEY });
  return { ...running, id: json.id as number, verify, change };
}

/** A change that its trigger does not tell of. */
const inSecret = (statement: string) => `
  alter table api_keys disable trigger keyhearth_announce_change;
  ${statement};
  alter table api_keys enable always trigger keyhearth_announce_change`;

test('what a key is comes from memory', async () => {
  const { dataDir, id, verify } = await withSecondKey();
  await expect
    .poll(async () => {
      expect(await verify()).toBe(200);
      await sqlIn(dataDir, inSecret(`update api_keys set is_active = 0 where id = ${id}`));
      const status = await verify();
      await sqlIn(dataDir, inSecret(`update api_keys set is_active = 1 where id = ${id}`));
      return status;
    })
    .toBe(200);
});

test('the replica that was told of a revocation knows it at once', async () => {
  const { verify, change } = await withSecondKey();
  for (let i = 0; i < 100; i++) {
    expect(await verify()).toBe(200);
    await change('deactivate');
    expect(await verify()).toBe(401);
    await change('activate');
  }
});

test.each([
  ['a revocation', 'update api_keys set is_active = 0 where id = 2'],
  ['a deletion', 'delete from api_keys where id = 2'],
  ['an emptied table', 'truncate api_keys'],
  [
    'what a session in the role of a replica writes',
    'set session_replication_role = replica; update api_keys set is_active = 0 where id = 2',
  ],
])('%s by somebody else is known within a second', async (_, statement) => {
  const { dataDir, verify } = await withSecondKey();
  expect(await verify()).toBe(200);
  await sqlIn(dataDir, statement);
  await expect.poll(verify, { timeout: 1_000, interval: 10 }).toBe(401);
});

test('uses of keys are no news', async () => {
  const { dataDir, verify, id } = await withSecondKey();
  const untilRemembered = async () => {
    expect(await verify()).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 600));
  };
  await untilRemembered();
  expect(await verify()).toBe(200);
  await sqlIn(dataDir, inSecret(`update api_keys set is_active = 0 where id = ${id}`));
  await sqlIn(dataDir, 'update api_keys set use_count = use_count + 1, last_used_at = 5');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await verify()).toBe(200);
});

test('what was never told of is forgotten within seconds', async () => {
  const { dataDir, verify, id } = await withSecondKey();
  expect(await verify()).toBe(200);
  await sqlIn(dataDir, inSecret(`update api_keys set is_active = 0 where id = ${id}`));
  await expect.poll(verify, { timeout: 8_000, interval: 50 }).toBe(401);
});

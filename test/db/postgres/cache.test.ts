import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY, sqlIn } from '../../support/keyhearth.ts';
import { peopled } from '../../support/people.ts';

const cached = { env: { KEYHEARTH_CACHE: 'on' } };

async function withSecondKey() {
  const running = await bootstrapped(cached);
  const { json } = await running.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
  const ask = () => running.send({ path: '/auth/verify', key: json.raw_key });
  const verify = async () => (await ask()).status;
  const label = async () => (await ask()).json.key.label as string;
  const change = (what: string) =>
    running.send({ method: 'POST', path: `/auth/keys/${json.id}/${what}`, key: FIRST_KEY });
  /** A new label that its trigger does not announce. */
  const labelInSecret = (text: string) =>
    sqlIn(running.dataDir, inSecret(`update api_keys set label = '${text}' where id = ${json.id}`));
  return { ...running, id: json.id as number, verify, label, labelInSecret, change };
}

type SecondKey = Awaited<ReturnType<typeof withSecondKey>>;

/** A change that its trigger does not announce. */
const inSecret = (statement: string) => `
  alter table api_keys disable trigger keyhearth_announce_change;
  ${statement};
  alter table api_keys enable always trigger keyhearth_announce_change`;

/** Waits until a label that was changed in secret is still the cached one, also after what happens in between. */
async function expectCached({ label, labelInSecret }: SecondKey, between: () => Promise<unknown>) {
  let round = 0;
  const isKept = async () => {
    const known = await label();
    await labelInSecret(`of round ${++round}`);
    await between();
    return (await label()) === known;
  };
  await expect.poll(isKept).toBe(true);
}

test('what a key is comes from the cache', async () => {
  await expectCached(await withSecondKey(), async () => undefined);
});

test('the replica that makes a revocation knows it at once', async () => {
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
  const second = await withSecondKey();
  await expectCached(second, async () => {
    await sqlIn(second.dataDir, 'update api_keys set use_count = use_count + 1, last_used_at = 5');
    await sleep(300);
  });
});

test('a change that was never announced is seen within seconds', async () => {
  const { label, labelInSecret } = await withSecondKey();
  await label();
  await labelInSecret('announced to nobody');
  await expect.poll(label, { timeout: 8_000, interval: 50 }).toBe('announced to nobody');
});

test('a cached session is renewed once a day', async () => {
  const { admin, pass, clock, dataDir } = await peopled(cached);
  const renewedAt = async () => Number((await sqlIn(dataDir, 'select * from sessions'))[0]?.renewed_at);
  for (let day = 0; day < 3; day++) {
    pass(20 * 86_400);
    expect((await admin('GET', '/auth/self')).headers).toHaveProperty('set-cookie');
    await expect.poll(renewedAt).toBe(clock.now());
    const { status, headers } = await admin('GET', '/auth/self');
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('set-cookie');
  }
});

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { findingsOf } from '../../src/doctor/findings.ts';
import { observe } from '../../src/doctor/observe.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { databaseFor, FIRST_KEY, type Running, register, sqlIn, startService } from '../support/keyhearth.ts';

/** What depends on the machine of the tests. Their PostgreSQL has `fsync` off. */
const OF_THE_MACHINE = ['disk_space', 'connections', 'fsync'];

const DAY_MS = 86_400_000;
const PREVIOUS = 'ab'.repeat(32);

/** One service, which runs during the tests. The tests leave its database as it was. */
let running: Running;
beforeAll(async () => {
  running = await startService();
  await register(running.send);
});
afterAll(() => running.close());

async function examine(env: Record<string, string> = {}, { dataDir } = running) {
  const settings = { KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)), ...env };
  const findings = findingsOf(await observe(parseConfig(settings), systemClock));
  return findings.filter(({ check }) => !OF_THE_MACHINE.includes(check));
}

const checks = async (env?: Record<string, string>) =>
  (await examine(env)).map(({ level, check }) => `${level} ${check}`);

/** Does it while rows are other ones than usual. */
async function withRows(set: string, work: () => Promise<void>): Promise<void> {
  const columns = ['hint', 'fingerprint', 'created_at', 'last_used_at'];
  const [row] = await sqlIn(running.dataDir, `select ${columns.join()} from api_keys where id = 1`);
  await sqlIn(running.dataDir, `update api_keys set ${set} where id = 1`);
  try {
    await work();
  } finally {
    const before = columns.map((name) => `${name} = ${row?.[name] === null ? 'null' : `'${row?.[name]}'`}`);
    await sqlIn(running.dataDir, `update api_keys set ${before.join()} where id = 1`);
  }
}

test('a new installation has no finding', async () => {
  expect(await examine()).toEqual([]);
});

test('finds a weak first key, a key without a fingerprint, and a clock that is slow', async () => {
  await withRows(`hint = 'your-sec', fingerprint = null, created_at = ${Date.now() + DAY_MS}`, async () => {
    expect(await checks()).toEqual(['error clock', 'error weak_key', 'info no_fingerprint']);
  });
  await withRows(`last_used_at = ${Date.now() + DAY_MS}`, async () => {
    expect(await checks()).toEqual(['error clock']);
  });
});

test('finds a pepper that does not fit', async () => {
  expect(await checks({ KEYHEARTH_PEPPER: PREVIOUS })).toEqual(['error pepper']);
});

test('says nothing about a previous pepper before the pepper ever changed', async () => {
  // With several replicas, the first round sets the new pepper as the previous one.
  expect(await checks({ KEYHEARTH_PEPPER_PREVIOUS: PREVIOUS })).toEqual([]);
});

test('counts the keys that need the previous pepper', async () => {
  const { dataDir } = running;
  const change = { KEYHEARTH_PEPPER_PREVIOUS: PREVIOUS };
  await sqlIn(dataDir, `update database_identity set pepper_since = ${Date.now() + 1_000}`);
  try {
    await withRows('last_used_at = null', async () => {
      expect(await checks()).toEqual(['warning previous_pepper']);
      chmodSync(join(dataDir, 'pepper'), 0o644);
      expect(await checks()).toEqual(['error mode', 'warning previous_pepper']);
      chmodSync(join(dataDir, 'pepper'), 0o600);
      const [finding] = await examine(change);
      expect(finding).toMatchObject({ level: 'info', finding: expect.stringMatching(/: 1\..*need/) });
    });
    await withRows(`last_used_at = ${Date.now() + 2_000}`, async () => {
      const [finding] = await examine(change);
      expect(finding).toMatchObject({ advice: expect.stringContaining('remove KEYHEARTH_PEPPER_PREVIOUS') });
      expect(await examine()).toEqual([]);
    });
    const [identity] = await sqlIn(dataDir, 'select pepper_check from database_identity');
    await sqlIn(dataDir, 'update database_identity set pepper_check = null');
    // The next start makes the pepper the present one. Before that, the previous one must stay.
    expect(await checks(change)).toEqual([]);
    await sqlIn(dataDir, `update database_identity set pepper_check = '${identity?.pepper_check}'`);
  } finally {
    await sqlIn(dataDir, 'update database_identity set pepper_since = null');
  }
});

test('finds a proxy that is not trusted, and a trusted one that does not name its clients', async () => {
  const { send } = running;
  const create = (key: string, headers = {}) =>
    send({ method: 'POST', path: '/auth/keys', key, headers, body: { scopes: ['*'] } });
  const second = (await create(FIRST_KEY)).json.raw_key;
  const third = (await create(second)).json.raw_key;
  // The first key was registered by nobody, so its event does not count.
  expect((await create(third)).status).toBe(201);

  const about = async (trusted?: string) => {
    const env = trusted === undefined ? {} : { KEYHEARTH_TRUSTED_PROXIES: trusted };
    return (await examine(env)).filter(({ check }) => check === 'trusted_proxies');
  };
  expect(await about()).toMatchObject([
    {
      level: 'warning',
      finding: expect.stringMatching(/^All 3 changes .* by 3 accounts or keys.* 127\.0\.0\.1/),
    },
  ]);
  expect(await about('10.0.0.1,127.0.0.0/8')).toMatchObject([
    { level: 'warning', finding: expect.stringContaining('contains it (127.0.0.0/8)') },
  ]);
  await sqlIn(running.dataDir, "update audit_events set address = '203.0.113.7' where id = 2");
  expect(await about()).toEqual([]);
  await sqlIn(running.dataDir, `update audit_events set address = '127.0.0.1', at = at - ${29 * DAY_MS}`);
  expect(await about('127.0.0.1')).toEqual([]);
});

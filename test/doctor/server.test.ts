import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { examineServer } from '../../src/db/postgres/examine.ts';
import { findingsOf } from '../../src/doctor/findings.ts';
import { observe } from '../../src/doctor/observe.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  databaseFor,
  type Running,
  register,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

/** One service, which runs during the tests. The tests leave its database as it was. */
let running: Running;
beforeAll(async () => {
  running = await startService();
  await register(running.send);
});
afterAll(() => running.close());

/** Tests that run at the same time use connections of the same server, whose `fsync` is off. */
async function examine(env: Record<string, string> = {}) {
  const settings = { KEYHEARTH_DATA_DIR: running.dataDir, ...(await databaseFor(running.dataDir)), ...env };
  const findings = findingsOf(await observe(parseConfig(settings), systemClock));
  return findings.filter(
    ({ check, level }) => check !== 'disk_space' && `${level} ${check}` !== 'warning connections',
  );
}

const checks = async (env?: Record<string, string>) => (await examine(env)).map(({ check }) => check);

/** Changes the server, and undoes that. */
async function during(change: string, undo: string, work: () => Promise<void>): Promise<void> {
  await sqlIn(running.dataDir, change);
  try {
    await work();
  } finally {
    await sqlIn(running.dataDir, undo);
  }
}

test('a server whose commits a crash may lose is an error, and nothing else is wrong', async () => {
  expect(await examine()).toMatchObject([{ level: 'error', check: 'fsync' }]);
});

test('finds a trigger that is off, and an index that is not valid', async () => {
  const trigger = (state: string) => `alter table api_keys ${state} trigger keyhearth_announce_change`;
  await during(trigger('disable'), trigger('enable always'), async () => {
    expect(await checks()).toContain('announcements');
  });
  // Such a trigger does not fire in a session of a replication.
  await during(trigger('enable'), trigger('enable always'), async () => {
    expect(await checks()).toContain('announcements');
  });
  const index = (isValid: boolean) =>
    `update pg_index set indisvalid = ${isValid} where indrelid = 'audit_events'::regclass and not indisprimary`;
  await during(index(false), index(true), async () => {
    const [finding] = (await examine()).filter(({ check }) => check === 'integrity');
    expect(finding).toMatchObject({ level: 'error', advice: expect.stringMatching(/^Run: reindex index/) });
  });
});

test('finds a database that takes no changes', async () => {
  const [row] = await sqlIn(running.dataDir, 'select current_database() as name');
  const alter = (rest: string) => `alter database ${row?.name} ${rest}`;
  const setting = 'default_transaction_read_only';
  await during(
    alter(`set ${setting} = on`),
    `begin read write; ${alter(`reset ${setting}`)}; commit`,
    async () => {
      expect(await checks()).toContain('read_only');
    },
  );
});

test('finds a pool that is larger than the server allows', async () => {
  const env = { KEYHEARTH_WORKERS: '3', KEYHEARTH_DATABASE_POOL: '100' };
  expect(await examine(env)).toContainEqual(
    expect.objectContaining({
      level: 'error',
      check: 'connections',
      finding: expect.stringContaining('303'),
    }),
  );
});

test('sees deleted rows that no vacuum has removed, and a replication slot that nobody reads', async () => {
  const { DATABASE_URL = '' } = await databaseFor(running.dataDir);
  const slot = `${new URL(DATABASE_URL).pathname.slice(1)}_slot`;
  const autovacuum = (state: string) => `alter table webhook_messages ${state} (autovacuum_enabled)`;
  const change = `alter table webhook_messages set (autovacuum_enabled = off);
    insert into webhook_messages (id, body, attempts) select n, '', 0 from generate_series(1, 50) n;
    delete from webhook_messages; select pg_create_physical_replication_slot('${slot}', true)`;
  const undo = `${autovacuum('reset')}; select pg_drop_replication_slot('${slot}')`;
  await during(change, undo, async () => {
    // PostgreSQL counts a little later.
    await expect
      .poll(() => examineServer(DATABASE_URL, async () => undefined))
      .toMatchObject({
        server: {
          unvacuumed: expect.arrayContaining([
            { table: 'webhook_messages', deleted: 50, bytes: expect.any(Number) },
          ]),
          idleSlots: expect.arrayContaining([{ name: slot, bytes: expect.any(Number) }]),
        },
      });
  });
});

test('a role that may only read learns the same', async () => {
  const { DATABASE_URL = '' } = await databaseFor(running.dataDir);
  const url = new URL(DATABASE_URL);
  const role = `${url.pathname.slice(1)}_reader`;
  [url.username, url.password] = [role, 'of-this-test'];
  const create = `create role ${role} login password 'of-this-test' connection limit 3;
    grant usage on schema public to ${role}; grant select on all tables in schema public to ${role}`;
  await during(create, `drop owned by ${role}; drop role ${role}`, async () => {
    expect(await checks({ DATABASE_URL: url.href, KEYHEARTH_DATABASE_POOL: '3' })).toEqual([
      'fsync',
      'connections',
    ]);
  });
});

test('names a server that cannot be reached, and a database without tables, and never a password', async () => {
  const unreachable = { DATABASE_URL: 'postgres://user:a-secret@127.0.0.1:1/there' };
  const found = await examine(unreachable);
  expect(found).toMatchObject([
    {
      check: 'database',
      finding: expect.stringMatching(/^Cannot use the database postgres:\/\/127\.0\.0\.1:1\/there/),
    },
  ]);
  expect(JSON.stringify(found)).not.toContain('a-secret');
  const { DATABASE_URL = '' } = await databaseFor(temporaryDirectory());
  expect(await examine({ DATABASE_URL })).toContainEqual(
    expect.objectContaining({ check: 'database', finding: expect.stringContaining('There is no database') }),
  );
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { client } from '../support/http.ts';
import { LONG } from '../support/long.ts';
import { query } from '../support/postgres.ts';
import { cluster, onOnePostgres, senders } from './replicas.ts';

const MANY = LONG ? 10 : 5;

const WAITING = `select query_start as since from pg_stat_activity
  where datname = current_database() and wait_event = 'advisory'`;

const onSharedPostgres = onOnePostgres();

describe('replicas that start', () => {
  test(`at the same moment migrate an empty database once, all ${MANY} of them`, async () => {
    const { url, startReplica } = await onSharedPostgres(0);
    const replicas = await Promise.all(Array.from({ length: MANY }, () => startReplica()));
    const names = await query(url, 'select name from kysely_migration order by name');
    expect(names.map(({ name }) => name)).toEqual(Object.keys(migrations));
    for (const send of senders(replicas)) expect((await send('/health')).status).toBe(200);
  });

  test('while another process changes the schema wait for it, and say so', async () => {
    const { url, startReplica } = await onSharedPostgres(0);
    const other = new Client({ connectionString: url });
    await other.connect();
    await other.query("select pg_advisory_lock(x'4b487468'::int)");
    const starting = startReplica();
    const waits = new Set<string>();
    // The server ends the first wait after `lock_timeout`, as that of a request.
    await expect
      .poll(async () => {
        for (const { since } of await query<{ since: Date }>(url, WAITING)) waits.add(since.toISOString());
        return waits.size;
      })
      .toBe(2);
    await other.end();
    const { origin, log } = await starting;
    expect((await client(origin)('/health')).status).toBe(200);
    expect(log()).toContain('for example with a new schema; waits for 30 s at most');
  });

  const refusal = async (starting: Promise<unknown>): Promise<string> =>
    starting.then(
      () => 'it serves',
      (error: Error) => error.message,
    );

  test('with an older version than the schema are refused', async () => {
    const { url, startReplica } = await onSharedPostgres(1);
    await query(url, "insert into kysely_migration values ('9999_later', '2040-01-01')");
    expect(await refusal(startReplica())).toMatch(
      /ended with 1: keyhearth: The database was migrated to 9999_later by a newer Keyhearth.*Start the newer version/,
    );
  });

  test('with another pepper are refused', async () => {
    const { startReplica } = await onSharedPostgres(1);
    expect(await refusal(startReplica({ KEYHEARTH_PEPPER: 'ab'.repeat(32) }))).toMatch(
      /ended with 1: keyhearth: The pepper does not fit the database postgres:\/\/127\.0\.0\.1:\d+\/keyhearth_test_\d+;/,
    );
  });

  test('on a standby are refused', async () => {
    const { postgres, startReplica } = await cluster(1);
    await postgres.stop();
    writeFileSync(join(postgres.directory, 'data', 'standby.signal'), '');
    // It never says that it takes connections, only that it takes those that read: this fails when it is removed.
    postgres.start().catch(() => undefined);
    const isStandby = () => query(postgres.url, 'select pg_is_in_recovery() as yes').catch(() => undefined);
    await expect.poll(isStandby).toEqual([{ yes: true }]);
    expect(await refusal(startReplica())).toMatch(
      /ended with 1: keyhearth: .*standby.* must name the primary/,
    );
  });

  test('with a bad password or address say so, and never say the password', async () => {
    const { url, startReplica } = await onSharedPostgres(0);
    for (const change of [
      { password: 'geheim-und-falsch' },
      { port: '1' },
      { pathname: '/nowhere' },
      { hostname: 'no-such-host.invalid' },
    ]) {
      const changed = new URL(url);
      const { password } = changed;
      Object.assign(changed, change);
      const said = await refusal(startReplica({ DATABASE_URL: changed.href }));
      expect(said).toMatch(
        /ended with 1: keyhearth: Cannot use the database postgres:\/\/\S+ \(.+\); check DATABASE_URL/,
      );
      expect(said).not.toContain(password);
      expect(said).not.toContain('geheim');
    }
  });
});

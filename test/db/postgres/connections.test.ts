import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openConnections } from '../../../src/db/postgres/connections.ts';
import { connectAlone } from '../../../src/db/postgres/session.ts';
import { loggedOutages } from '../../support/outages.ts';
import { createDatabase, query } from '../../support/postgres.ts';

const { server = '' } = inject('postgres');
const silent = pino({ level: 'silent' });

async function ask(url: string, setting: string): Promise<unknown> {
  const client = await connectAlone(url);
  onTestFinished(() => client.end());
  const { rows } = await client.query(`select current_setting('${setting}') as value`);
  return rows[0]?.value;
}

test.each([
  ['off', 'on'],
  ['local', 'local'],
  ['remote_apply', 'remote_apply'],
])('with synchronous_commit = %s on the server, commits are waited for: %s', async (given, used) => {
  const url = `${server}?options=-c%20synchronous_commit%3D${given}`;
  expect(await ask(url, 'synchronous_commit')).toBe(used);
});

test.each(['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])(
  '%s is set',
  async (setting) => {
    expect(await ask(server, setting)).toMatch(/^\ds$/);
  },
);

function open(size: number) {
  const { outages, log } = loggedOutages();
  const connections = openConnections(server, size, silent, outages);
  onTestFinished(() => connections.pool.end());
  return { ...connections, log };
}

test('a read whose connection ends under it is made again, once', async () => {
  const { read } = open(3);
  await read('create sequence times', []);
  onTestFinished(async () => void (await read('drop sequence times', [])));
  const endUpTo = (times: number) =>
    read<{ n: number }>(
      `select n from (select nextval('times') as n) as t where n > ${times} or pg_terminate_backend(pg_backend_pid())`,
      [],
    );
  expect(await endUpTo(1)).toEqual([{ n: 2 }]);
  await expect(endUpTo(99)).rejects.toMatchObject({ failure: { code: 'database_unavailable' } });
  expect(await endUpTo(0)).toEqual([{ n: 5 }]);
});

test('a statement that takes too long is ended, and its connection serves the next', async () => {
  const { read } = open(3);
  await read("set statement_timeout = '100ms'", []);
  await expect(read('select pg_sleep(5)', [])).rejects.toMatchObject({ failure: { code: 'database_busy' } });
  expect(await read('select 1 as one', [])).toEqual([{ one: 1 }]);
});

test.each([
  ['53100', 'disk_full', /the disk of the database is full/],
  ['53200', 'refused', /refuses changes/],
  ['25006', 'refused', /refuses changes/],
  ['XX001', 'damaged', /is damaged/],
])('an outage of the server (%s) is a 503 that the log has once', async (sqlState, reason, sentence) => {
  const { read, log } = open(3);
  const failing = `do $$ begin raise exception 'made to fail' using errcode = '${sqlState}'; end $$`;
  for (let i = 0; i < 3; i++) {
    await expect(read(failing, [])).rejects.toMatchObject({
      failure: { code: 'database_unavailable', reason },
      isExpected: true,
    });
  }
  expect(log).toMatchObject([
    { level: 'error', reason: `${sqlState}: made to fail`, msg: expect.stringMatching(sentence) },
  ]);
});

test('a statement that no longer fits the tables is prepared anew', async () => {
  const { read } = open(3);
  await read('create table changing as select 1 as n', []);
  onTestFinished(async () => void (await read('drop table changing', [])));
  const all = () => read('select * from changing', []);
  expect(await all()).toEqual([{ n: 1 }]);
  await read("alter table changing alter column n type text using 'one'", []);
  expect(await all()).toEqual([{ n: 'one' }]);
});

test('another database in the place of the expected one is not asked', async () => {
  const url = await createDatabase(server, 'keyhearth_test_replaced');
  await query(url, 'create table if not exists database_identity (database_id text)');
  await query(url, "truncate database_identity; insert into database_identity values ('another')");
  const connections = openConnections(url, 3, silent, loggedOutages().outages);
  onTestFinished(() => connections.pool.end());
  connections.expect('ours');
  await expect(connections.read('select 1', [])).rejects.toMatchObject({
    failure: { code: 'database_unavailable' },
  });
});

test('long integers are numbers', async () => {
  const { read } = open(3);
  expect(await read('select 9007199254740991::bigint as n', [])).toEqual([{ n: 9007199254740991 }]);
});

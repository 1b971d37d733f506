import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connectAlone, openConnections } from '../../../src/db/postgres/connections.ts';

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
  const connections = openConnections(server, size, silent);
  onTestFinished(async () => {
    connections.close();
    await connections.pool.end();
  });
  return connections;
}

test('a read whose connection was terminated before it is made again, on another', async () => {
  const { read } = open(1);
  const pid = async () => (await read<{ pid: number }>('select pg_backend_pid() as pid', []))[0]?.pid;
  const first = await pid();
  const other = await connectAlone(server);
  await other.query('select pg_terminate_backend($1)', [first]);
  await other.end();
  expect(await pid()).not.toBe(first);
});

test('a statement that takes too long is ended, and its connection serves the next', async () => {
  const { read } = open(1);
  await read("set statement_timeout = '100ms'", []);
  await expect(read('select pg_sleep(5)', [])).rejects.toMatchObject({ problem: { code: 'database_busy' } });
  expect(await read('select 1 as one', [])).toEqual([{ one: 1 }]);
});

test('long integers are numbers', async () => {
  const { read } = open(1);
  expect(await read('select 9007199254740991::bigint as n', [])).toEqual([{ n: 9007199254740991 }]);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { startPostgres } from '../deploy/cluster/postgres.ts';
import { insertKeys } from './listing-data.ts';
import { makeWorkDirectory } from './processes.ts';
import { makeDataDirectory } from './seed.ts';

/**
 * Copies keys and as many audit events from SQLite to PostgreSQL, and back.
 *
 * `BENCH_KEYS` (1,000,000) says how many.
 */

const KEYHEARTH = join(import.meta.dirname, '../bin/keyhearth.js');
const MIN_ROWS_PER_SECOND = 10_000;
const count = Number(process.env.BENCH_KEYS ?? 1_000_000);

const directory = makeWorkDirectory('keyhearth-copy-');
const dataDir = join(directory, 'data');
const file = join(dataDir, 'keyhearth.db');
const numbers = `with recursive numbers (n) as (select 2 union all select n + 1 from numbers where n <= ${count})
  select n from numbers`;

function fill(): void {
  const sqlite = new SqliteDatabase(file);
  sqlite.pragma('synchronous = OFF');
  sqlite.exec(insertKeys('usual', count, Date.now(), numbers));
  sqlite.exec(`insert into audit_events (at, action, actor_kind, actor_id, actor_hint, actor_label, address, key_id, changes)
    select 1700000000000 + n, 'key.created', 'key', 1, 'kh_abcdefghi', 'the first key', '192.0.2.7', n,
      '{"label":{"from":null,"to":"service-' || n || '"},"owner":{"from":null,"to":"team@example.com"}}'
    from (${numbers})`);
  sqlite.close();
}

/** The most memory that a process has had, in MB. */
function peakOf(pid: number): number {
  const [, kilobytes = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1_024);
}

/** Runs the command. @returns whether it was fast enough */
async function run(from: string, to: string, url: string): Promise<boolean> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [KEYHEARTH, 'copy', from, to], {
    env: { PATH: process.env.PATH ?? '', URL: url },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peak = 0;
  const watch = setInterval(() => {
    if (child.pid !== undefined && child.exitCode === null) peak = peakOf(child.pid);
  }, 200);
  const [code] = await once(child, 'exit');
  clearInterval(watch);
  if (code !== 0) throw new Error(`The copy has ended with ${code}.`);
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = Math.round((2 * count) / seconds);
  process.stdout.write(
    `${2 * count} rows from ${from} to ${to}: ${seconds.toFixed(1)} s, ${rate} a second, ${peak} MB.\n`,
  );
  return rate >= MIN_ROWS_PER_SECOND;
}

const postgres = await startPostgres();
try {
  await makeDataDirectory(dataDir, directory);
  fill();
  const there = await run(file, 'env:URL', postgres.url);
  const back = await run('env:URL', join(dataDir, 'back.db'), postgres.url);
  process.stdout.write(there && back ? 'The target is met.\n' : 'The target is missed.\n');
  process.exitCode = there && back ? 0 : 1;
} finally {
  await postgres.remove();
}

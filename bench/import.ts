import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateRawKey } from '../src/keys/key-format.ts';
import { makeWorkDirectory, startKeyhearth } from './processes.ts';
import { makeDataDirectory } from './seed.ts';

/**
 * Imports keys while the service runs and has requests, and verifies some of them.
 *
 * `BENCH_KEYS` (1,000,000) says how many.
 */

const KEYHEARTH = join(import.meta.dirname, '../bin/keyhearth.js');
const MAX_SECONDS = 180;
const count = Number(process.env.BENCH_KEYS ?? 1_000_000);
const PROBES = 100;

const directory = makeWorkDirectory('keyhearth-import-');
const dataDir = join(directory, 'data');
const env = { KEYHEARTH_DATA_DIR: dataDir };

/** Writes a file of raw keys. @returns some of them */
async function writeKeyFile(path: string): Promise<string[]> {
  const file = createWriteStream(path, { mode: 0o600 });
  const kept: string[] = [];
  for (let i = 0; i < count; i++) {
    const key = generateRawKey();
    if (i % Math.ceil(count / PROBES) === 0) kept.push(key);
    const line = JSON.stringify({
      key,
      label: `client-${i}`,
      owner: `team-${i % 500}`,
      scopes: ['invoices:read'],
    });
    if (!file.write(`${line}\n`)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
  return kept;
}

/** Runs the command, and prints what it prints. @returns seconds */
async function runImport(path: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [KEYHEARTH, 'import', 'keys', path], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The import has ended with ${code}.`);
  return (performance.now() - startedAt) / 1_000;
}

const PAUSE_MS = 50;

/** Verifies a key and changes one, until `signal` aborts. @returns the waits in milliseconds, sorted */
async function useUntil(origin: string, key: string, signal: AbortSignal) {
  const verifications: number[] = [];
  const changes: number[] = [];
  const ask = async (waits: number[], path: string, init: RequestInit = {}) => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' };
    const startedAt = performance.now();
    const { status } = await fetch(origin + path, { ...init, headers });
    if (status !== 200) throw new Error(`${path} was answered with ${status} during the import.`);
    waits.push(performance.now() - startedAt);
  };
  while (!signal.aborted) {
    await ask(verifications, '/auth/verify');
    const label = `label ${changes.length}`;
    await ask(changes, '/auth/keys/1', { method: 'PATCH', body: JSON.stringify({ label }) });
    await sleep(PAUSE_MS);
  }
  return { verifications: inOrder(verifications), changes: inOrder(changes) };
}

const inOrder = (waits: number[]) => waits.sort((a, b) => a - b);
const inWords = (waits: readonly number[]) =>
  `${waits.length}, median ${(waits[Math.floor(waits.length / 2)] ?? 0).toFixed(1)} ms, longest ${(waits.at(-1) ?? 0).toFixed(0)} ms`;

const rawKey = await makeDataDirectory(dataDir, directory);
const path = join(directory, 'keys.jsonl');
const probes = await writeKeyFile(path);
const server = await startKeyhearth('import', dataDir, directory);
const done = new AbortController();
const during = useUntil(server.origin, rawKey, done.signal);
const seconds = await runImport(path);
done.abort();
const { verifications, changes } = await during;
for (const key of probes) {
  const { status } = await fetch(`${server.origin}/auth/verify`, { headers: { 'x-api-key': key } });
  if (status !== 200) throw new Error(`An imported key was answered with ${status}.`);
}
const again = await runImport(path);
await server.stop();
process.stdout.write(
  [
    `Imported ${count} keys in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} a second.`,
    `A second run took ${again.toFixed(1)} s.`,
    `Verifications during the import: ${inWords(verifications)}.`,
    `Changes of a key during the import: ${inWords(changes)}.`,
    seconds <= MAX_SECONDS ? 'The target is met.' : `The target of ${MAX_SECONDS} s is missed.`,
    '',
  ].join('\n'),
);
process.exitCode = seconds <= MAX_SECONDS ? 0 : 1;

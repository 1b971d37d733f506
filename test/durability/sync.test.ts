import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { client, type Send } from '../support/http.ts';
import { FIRST_KEY, MAIN, register, startProcess, temporaryDirectory } from '../support/keyhearth.ts';

const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
const reason = 'strace cannot be run here, and nothing else shows when a file is synced.';

const CALLS = 'write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync';

/** Runs the service under strace, stops it, and returns the system calls that it made, in their order. */
async function trace(dataDir: string, use: (send: Send) => Promise<void>): Promise<string[]> {
  const output = join(temporaryDirectory(), 'trace');
  const options = ['-f', '-y', '-s', '40', '-o', output, '-e', `trace=${CALLS}`, '-e', 'signal=none'];
  const child = spawn('strace', [...options, process.execPath, MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      PORT: '0',
      KEYHEARTH_BCRYPT_COST: '10',
      KEYHEARTH_DATA_DIR: dataDir,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own, so that a signal reaches the service: strace keeps those that it is sent to itself.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('strace could not be started');
  const signalBoth = (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, signal);
  };
  onTestFinished(() => signalBoth('SIGKILL'));
  const ended = once(child, 'close');

  const address = await new Promise<string>((resolve, reject) => {
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      const line = stdout.split('\n').find((text) => text.includes('"address"'));
      if (line) resolve(JSON.parse(line).address);
    });
    void ended.then(() => reject(new Error('the service ended under strace')));
  });
  await use(client(address));
  signalBoth('SIGTERM');
  expect(await ended).toEqual([0, null]);
  return readFileSync(output, 'utf8').split('\n');
}

type AnswerSeen = { status: number; changedBefore: boolean; syncedBefore: boolean };

/**
 * Replays the trace: for each HTTP answer, whether the write-ahead log had been written to since the answer before
 * it, and whether, when the first byte of the answer left, a sync that came after the last of those writes was over.
 */
function replay(lines: string[]): AnswerSeen[] {
  const answers: AnswerSeen[] = [];
  const syncing = new Set<string>();
  let changed = false;
  let synced = true;
  for (const line of lines) {
    const [thread = ''] = line.split(' ');
    if (/ pwritev?(64)?\(\d+<[^>]*-wal>/.test(line)) {
      changed = true;
      synced = false;
    } else if (/ f(data)?sync\(\d+<[^>]*-wal>/.test(line)) {
      if (line.endsWith('<unfinished ...>')) syncing.add(thread);
      else if (line.endsWith(' = 0')) synced = true;
    } else if (/ <\.\.\. f(data)?sync resumed>/.test(line)) {
      if (syncing.delete(thread) && line.endsWith(' = 0')) synced = true;
    }
    const answer = /"HTTP\/1\.1 (\d{3}) /.exec(line);
    if (answer) {
      answers.push({ status: Number(answer[1]), changedBefore: changed, syncedBefore: synced });
      changed = false;
    }
  }
  return answers;
}

const onDisk = (status: number): AnswerSeen => ({ status, changedBefore: true, syncedBefore: true });

async function startOnce(use?: (send: Send) => Promise<void>): Promise<string> {
  const dataDir = temporaryDirectory();
  const { child, ended, send } = await startProcess({ KEYHEARTH_DATA_DIR: dataDir });
  await use?.(send);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  return dataDir;
}

// Reopened, because a database that this connection has itself made would be synced by another default.
describe('in a database that is reopened', () => {
  test('a registration is on disk before the first byte of its 201 is sent', async ({ skip }) => {
    skip(!canTrace, reason);
    const lines = await trace(await startOnce(), register);
    expect(replay(lines)).toEqual([onDisk(201)]);
  });

  test('every change of a key is on disk before the first byte of its answer is sent', async ({ skip }) => {
    skip(!canTrace, reason);
    const lines = await trace(await startOnce(register), async (send) => {
      await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
      await send({ method: 'PATCH', path: '/auth/keys/2', key: FIRST_KEY, body: { label: 'renamed' } });
      await send({ method: 'POST', path: '/auth/keys/2/deactivate', key: FIRST_KEY });
      await send({ method: 'POST', path: '/auth/keys/2/activate', key: FIRST_KEY });
      await send({ method: 'DELETE', path: '/auth/keys/2', key: FIRST_KEY });
    });
    expect(replay(lines)).toEqual([201, 200, 200, 200, 204].map(onDisk));
  });
});

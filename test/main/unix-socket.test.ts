import { lstatSync, writeFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { errorCode } from '../../src/lib/error-code.ts';
import { drive } from '../support/drive.ts';
import { type Answer, toAnswer } from '../support/http.ts';
import { FIRST_KEY, spawnProcess, temporaryDirectory } from '../support/keyhearth.ts';

const CLIENTS = 4;

type Ask = { method?: string; path: string; headers?: Record<string, string>; body?: string };

function ask(socketPath: string, { body, ...options }: Ask, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, agent: agent ?? false, ...options }, (incoming) =>
      toAnswer(incoming).then(resolve, reject),
    )
      .on('error', reject)
      .end(body);
  });
}

function spawnAt(path: string, env: Record<string, string> = {}) {
  const started = spawnProcess({
    ...{ KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_LISTEN: `unix:${path}`, ...env },
  });
  onTestFinished(() => void started.child.kill('SIGKILL'));
  return started;
}

async function startAt(path: string, env?: Record<string, string>) {
  const started = spawnAt(path, env);
  await expect.poll(started.stdout).toContain(`"address":"unix:${path}"`);
  return started;
}

const newPath = () => join(temporaryDirectory(), 'keyhearth.sock');
const rightsOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

async function register(path: string): Promise<void> {
  const body = JSON.stringify({ api_key: FIRST_KEY });
  const headers = { Host: 'localhost', 'Content-Type': 'application/json' };
  const { status } = await ask(path, { method: 'POST', path: '/auth/register-key', headers, body });
  expect(status).toBe(201);
}

// As docs/unix-socket.md says.
test('the service listens on a socket file with its rights, and takes it away when it stops', async () => {
  const path = newPath();
  const { child, ended, stdout } = await startAt(path, { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' });
  expect(rightsOf(path)).toBe('660');
  await register(path);
  const headers = { Host: 'localhost', 'X-API-Key': `${FIRST_KEY}-wrong`, 'X-Forwarded-For': '203.0.113.7' };
  expect(await ask(path, { path: '/auth/verify', headers })).toMatchObject({ status: 401 });
  await expect.poll(stdout).toContain('"client":"203.0.113.7"');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

test('a file that a dead process has left is replaced; one that is in use, or no socket, stops the start', async () => {
  const path = newPath();
  const first = await startAt(path, { KEYHEARTH_SOCKET_MODE: '0600' });
  expect(rightsOf(path)).toBe('600');
  const refused = spawnAt(path);
  expect(await refused.ended).toBe(1);
  expect(refused.stderr()).toMatch(/^keyhearth: .*keyhearth\.sock is in use; stop the program/);
  first.child.kill('SIGKILL');
  await first.ended;
  await startAt(path);
  expect(await ask(path, { path: '/health', headers: { Host: 'localhost' } })).toMatchObject({ status: 200 });

  const file = newPath();
  writeFileSync(file, 'a file of somebody');
  const other = spawnAt(file);
  expect(await other.ended).toBe(1);
  expect(other.stderr()).toContain('is not a socket; remove it');
  expect(lstatSync(file).isFile()).toBe(true);
});

test('a stop loses no request: each connection that is made gets its answer', async () => {
  const path = newPath();
  const { child, ended } = await startAt(path);
  await register(path);
  const { answered, stop } = drive(CLIENTS, async () => {
    const headers = { 'X-API-Key': FIRST_KEY, Host: 'localhost' };
    try {
      return (await ask(path, { path: '/auth/verify', headers })).status;
    } catch (error) {
      if (!['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')) throw error;
      // Nobody listens any more, so this request has not been sent.
      await sleep(1);
      return undefined;
    }
  });
  await expect.poll(answered).toBeGreaterThan(100);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await stop()).toEqual([]);
});

test('several workers cannot share a socket file', async () => {
  const { ended, stderr } = spawnAt(newPath(), { KEYHEARTH_WORKERS: '2' });
  expect(await ended).toBe(1);
  expect(stderr()).toBe(
    'keyhearth: KEYHEARTH_LISTEN needs one worker; set KEYHEARTH_WORKERS to 1, or use PORT.\n',
  );
});

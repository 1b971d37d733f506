import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FIRST_KEY, register, startProcess, temporaryDirectory } from '../support/keyhearth.ts';

const canLimit = spawnSync('prlimit', ['--version']).status === 0;

/** Lets a process open no further file: the lowest number that is free is over the limit. */
function useUpDescriptors(pid: number): () => void {
  const setLimit = (limit: string | number) =>
    execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:`]);
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (open.has(free)) free++;
  setLimit(free);
  return () => setLimit(1_024);
}

const PAGES = ['/docs', '/redoc', '/openapi.json', '/dashboard'];
/** The tests can run before the dashboard is built. */
const hasDashboard = existsSync(join(import.meta.dirname, '../../dashboard/dist/index.html')) ? 200 : 404;

test.runIf(canLimit)(
  'without a free descriptor, a page is a 503 that says when to come again, and keys are verified; it is read later',
  async () => {
    const { child, send, stdout } = await startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory() });
    await register(send);
    const release = useUpDescriptors(Number(child.pid));
    for (const path of PAGES) {
      const refused = await send(path);
      expect(refused).toMatchObject({ status: 503, json: { code: 'overloaded' } });
      expect(refused.headers['retry-after']).toBe('5');
      expect(refused.json.detail).toBe(
        'Too many files and connections are open at the moment. Try again in a few seconds.',
      );
    }
    expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
    expect((await send('/health')).status).toBe(200);
    expect((await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY })).status).toBe(201);
    release();
    for (const path of PAGES)
      expect((await send(path)).status).toBe(path === '/dashboard' ? hasDashboard : 200);
    await expect.poll(stdout).toContain('"route":"/docs","status":200');
    expect(stdout()).not.toContain('"level":"error"');
  },
);

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { textOf } from '../../docs/imports.ts';
import { createBcryptPool } from '../../src/keys/bcrypt-pool.ts';

test('a pool that is closed at once lets its thread load first, because Node may abort otherwise', async () => {
  const happened: string[] = [];
  const started = once(process, 'worker').then(([thread]: Worker[]) => {
    thread?.once('message', () => happened.push('loaded')).once('exit', () => happened.push('ended'));
  });
  const pool = createBcryptPool(4, 1, () => undefined);
  await started;
  await pool.close();
  expect(happened).toEqual(['loaded', 'ended']);
});

test.each(['keys/bcrypt-worker', 'db/sqlite/background-writer-thread', 'db/sqlite/slow-reader-thread'])(
  '%s has no default export, with which Node can abort when a thread ends while it loads',
  (file) => {
    expect(textOf(`src/${file}.ts`)).not.toContain('export default');
  },
);

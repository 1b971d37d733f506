import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startPostgres } from '../../deploy/cluster/postgres.ts';
import { placePostgres } from '../../deploy/cluster/postgres-program.ts';
import { query } from '../support/postgres.ts';
import { isRoot } from '../support/root.ts';

/** Node makes it for its user alone. */
function privateDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'keyhearth-private-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('PostgreSQL starts where the temporary directory is private', async () => {
  vi.stubEnv('TMPDIR', privateDirectory());
  onTestFinished(() => void vi.unstubAllEnvs());
  const postgres = await startPostgres({ fsync: 'off' });
  onTestFinished(() => postgres.remove());
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.runIf(isRoot)('root runs a copy of PostgreSQL, which another user can reach', async () => {
  const { directory, postgres, user } = await placePostgres();
  onTestFinished(() => rmSync(directory, { recursive: true }));
  expect(postgres.startsWith(directory)).toBe(true);
  expect(user.uid).toBeGreaterThan(0);
  const version = execFileSync(postgres, ['--version'], { ...user, cwd: '/', encoding: 'utf8' });
  expect(version).toMatch(/^postgres \(PostgreSQL\) \d+/);
});

test('a PostgreSQL that does not start is an error with its own words', async () => {
  await expect(startPostgres({ no_such_setting: 'on' })).rejects.toThrow(
    /PostgreSQL does not start:.*no_such_setting/s,
  );
});

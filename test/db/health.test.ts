import { expect, test } from 'vitest';
import type { Reader } from '../../src/db/engine.ts';
import { databaseCheck } from '../../src/db/health.ts';
import { DomainError } from '../../src/lib/failure.ts';
import { noDatabase } from '../support/no-database.ts';

const checkWith = (exists: () => Promise<boolean>) =>
  databaseCheck(noDatabase, { exists: () => exists } as unknown as Reader);

test('a database that answers is healthy', async () => {
  await expect(checkWith(async () => true)()).resolves.toBeUndefined();
});

test('one that cannot be read is unavailable, and the reason is logged', async () => {
  const damaged = new Error('database disk image is malformed');
  await expect(checkWith(() => Promise.reject(damaged))()).rejects.toMatchObject({
    failure: { code: 'database_unavailable', reason: 'unreadable', retryAfter: 5 },
    isExpected: false,
    cause: damaged,
  });
});

test('an outage keeps its own reason', async () => {
  const away = new DomainError({ code: 'database_unavailable', reason: 'unreachable', retryAfter: 1 });
  await expect(checkWith(() => Promise.reject(away))()).rejects.toBe(away);
});

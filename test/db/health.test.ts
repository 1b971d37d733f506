import { expect, test } from 'vitest';
import type { Reader } from '../../src/db/engine.ts';
import { databaseCheck } from '../../src/db/health.ts';
import { DomainError } from '../../src/lib/failure.ts';
import { noDatabase } from '../support/no-database.ts';

type Steps = { assertHealthy?: () => void; exists?: () => Promise<boolean>; verify?: () => Promise<void> };

const checkWith = ({
  assertHealthy = () => undefined,
  exists = async () => true,
  verify = async () => undefined,
}: Steps) =>
  databaseCheck(noDatabase, { reader: { exists: () => exists } as unknown as Reader, assertHealthy }, verify);

test('a database that answers is healthy', async () => {
  await expect(checkWith({})()).resolves.toBeUndefined();
});

const damaged = new Error('database disk image is malformed');

test.each<[string, Steps]>([
  ['its rows', { exists: () => Promise.reject(damaged) }],
  ['what a verification reads', { verify: () => Promise.reject(damaged) }],
])('one that cannot be read is unavailable, and the reason is logged: %s', async (_, steps) => {
  await expect(checkWith(steps)()).rejects.toMatchObject({
    failure: { code: 'database_unavailable', reason: 'unreadable', retryAfter: 5 },
    isExpected: false,
    cause: damaged,
  });
});

const away = new DomainError({ code: 'database_unavailable', reason: 'unreachable', retryAfter: 1 });

test.each<[string, Steps]>([
  [
    'seen by the engine',
    {
      assertHealthy: () => {
        throw away;
      },
    },
  ],
  ['seen by a read', { exists: () => Promise.reject(away) }],
])('an outage keeps its own reason: %s', async (_, steps) => {
  await expect(checkWith(steps)()).rejects.toBe(away);
});

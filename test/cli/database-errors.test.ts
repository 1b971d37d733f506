import { expect, test } from 'vitest';
import { asDatabaseError, createNoteLogger } from '../../src/cli/database-errors.ts';
import { allocateOutages, createOutages } from '../../src/db/outages.ts';
import { DomainError, type Failure } from '../../src/lib/failure.ts';

test.each<[Failure, string]>([
  [
    { code: 'database_unavailable', reason: 'disk_full', retryAfter: 30 },
    'The disk of the database is full. Free some space on it. Then try again.',
  ],
  [
    { code: 'database_unavailable', reason: 'unwritable', retryAfter: 30 },
    'The database cannot be used (unwritable). Then try again.',
  ],
  [
    { code: 'database_busy', reason: 'timeout', retryAfter: 1 },
    'Another program keeps the database busy. Then try again.',
  ],
])('%o is a sentence that says what to do', (failure, sentence) => {
  expect(asDatabaseError(new DomainError(failure), 'Then try again.')).toMatchObject({
    ...{ message: sentence, exitCode: 6 },
  });
});

test('the code of the cause is more than the kind of the failure', () => {
  const failure = { code: 'database_unavailable', reason: 'unwritable', retryAfter: 30 } as const;
  const cause = Object.assign(new Error('x'), { code: 'SQLITE_READONLY' });
  expect(asDatabaseError(new DomainError(failure, { cause }), '')).toMatchObject({
    message: expect.stringContaining('cannot be used (SQLITE_READONLY)'),
  });
});

test('another error stays as it is', () => {
  for (const error of [new Error('x'), new DomainError({ code: 'account_not_found' })])
    expect(asDatabaseError(error, '')).toBe(error);
});

test('what a service would log is text for people, without the outage that is an error already', () => {
  const notes: string[] = [];
  const logger = createNoteLogger((text) => void notes.push(text));
  createOutages(allocateOutages(), logger).begin('disk_full', 'SQLITE_FULL');
  logger.warn({ err: new Error('no memory') }, 'a thread failed');
  logger.warn('only a sentence');
  logger.info('nothing');
  expect(notes).toEqual(['a thread failed (no memory)', 'only a sentence']);
});

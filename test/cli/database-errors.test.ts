import { expect, test } from 'vitest';
import { asDatabaseError, createNoteLogger } from '../../src/cli/database-errors.ts';
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

test('another error stays as it is', () => {
  for (const error of [new Error('x'), new DomainError({ code: 'account_not_found' })])
    expect(asDatabaseError(error, '')).toBe(error);
});

test('what a service would log is text for people', () => {
  const notes: string[] = [];
  const logger = createNoteLogger((text) => void notes.push(text));
  logger.error({ reason: 'SQLITE_FULL' }, 'the disk is full');
  logger.warn({ err: new Error('no memory') }, 'a thread failed');
  logger.warn('only a sentence');
  logger.info('nothing');
  expect(notes).toEqual(['the disk is full (SQLITE_FULL)', 'a thread failed (no memory)', 'only a sentence']);
});

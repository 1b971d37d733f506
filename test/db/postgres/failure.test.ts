import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import { isBusy } from '../../../src/db/busy.ts';
import { refusalOf } from '../../../src/db/postgres/failure.ts';

const serverError = (code: string) =>
  Object.assign(new DatabaseError('from the server', 15, 'error'), { code });

describe('an error of the server', () => {
  test('about a lock is other work, for whose end a start waits', () => {
    const refusal = refusalOf(serverError('55P03'));
    expect(refusal?.failure).toMatchObject({ code: 'database_busy', reason: 'other_change' });
    expect(isBusy(refusal)).toBe(true);
  });

  test('about a slow statement is no other work, because a start that waits repeats the statement', () => {
    const refusal = refusalOf(serverError('57014'));
    expect(refusal?.failure).toMatchObject({ code: 'database_busy', reason: 'timeout' });
    expect(isBusy(refusal)).toBe(false);
  });

  test('about the statement itself is no refusal', () => {
    expect(refusalOf(serverError('42601'))).toBeUndefined();
  });
});

import { DatabaseError } from 'pg';
import { DomainError, errorCode } from '../../lib/errors.ts';

/** Why an attempt failed, without what was asked: for the log. */
export function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = errorCode(error);
  const message = first instanceof Error ? first.message : String(first);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

/** Connection failures, a server that stops or ends a session, and transactions that were left open for too long. */
const LAST_WORDS = /^(08|57P|25P0[34])/;

/**
 * An answer of a server that goes on to serve this connection. Any other failure ends the connection. The severity would
 * tell, but servers write it in their own language.
 */
export const isAnswer = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && !LAST_WORDS.test(error.code ?? '');

/**
 * Answers after which a connection is of no use: an aborted transaction that nobody rolled back, and prepared statements
 * that no longer fit the tables or are gone.
 */
export const isSpoilt = ({ code = '' }: DatabaseError) => ['25P02', '0A000', '26000'].includes(code);

/** The server has no connection left to give. */
export const isFull = (error: unknown) =>
  error instanceof DatabaseError && /^(53300|53400)$/.test(error.code ?? '');

/** What the server answered, where that is not about the statement but about the state that it is in. */
export function refusalOf(error: DatabaseError): DomainError | undefined {
  const code = error.code ?? '';
  // Cancelled for taking too long; a lock that was not to be had in time.
  if (code === '57014' || code === '55P03') {
    return new DomainError({
      code: 'database_busy',
      detail: 'The database is busy. Nothing was changed. Try again in a moment.',
      retryAfter: 1,
    });
  }
  // Read-only, as after a failover; out of disk, memory or connections; a disk that fails.
  if (code !== '25006' && !/^(53|58)/.test(code)) return undefined;
  return new DomainError(
    {
      code: 'database_unavailable',
      detail: 'The database does not take this at the moment. Nothing was changed.',
      retryAfter: 5,
    },
    { cause: error },
  );
}

export const awayError = () =>
  new DomainError({
    code: 'database_unavailable',
    detail: 'The database cannot be reached at the moment. Try again in a moment.',
    retryAfter: 1,
  });

export const lostError = () =>
  new DomainError({
    code: 'database_unavailable',
    detail:
      'The connection to the database was lost. What was asked for may or may not have been done: look before asking again.',
    retryAfter: 1,
  });

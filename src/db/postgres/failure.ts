import { DatabaseError } from 'pg';
import { errorCode } from '../../lib/error-code.ts';
import { DomainError } from '../../lib/failure.ts';
import type { Outage } from '../outages.ts';

/** Why an attempt failed, without the statement: for the log. */
export function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = errorCode(error);
  const message = first instanceof Error ? first.message : String(first);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

/** Connection failures, a server that stops or ends a session, and transactions that were left open for too long. */
const ENDS_CONNECTION = /^(08|57P|25P0[34])/;

/**
 * An answer of a server that goes on to serve this connection. Any other failure ends the connection. The severity would
 * tell, but servers write it in their own language.
 */
export const isStatementError = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && !ENDS_CONNECTION.test(error.code ?? '');

/**
 * Answers after which a connection is of no use: an aborted transaction that nobody rolled back, and prepared statements
 * that no longer fit the tables or are gone.
 */
export const isSpoilt = ({ code = '' }: DatabaseError) => ['25P02', '0A000', '26000'].includes(code);

/** The server has no connection left to give. */
export const isFull = (error: unknown) =>
  error instanceof DatabaseError && /^(53300|53400)$/.test(error.code ?? '');

/** The outage that an answer of the server is a sign of, or undefined. */
export function outageOf({ code = '' }: DatabaseError): Outage | undefined {
  if (code === '53100') return 'disk_full';
  if (/^XX00[12]$/.test(code)) return 'damaged';
  // Read-only, as after a failover; out of memory or connections; a disk that fails.
  return code === '25006' || /^(53|58)/.test(code) ? 'refused' : undefined;
}

/** The failure that an answer of the server stands for, where it is about the server's state and not the statement. */
export function refusalOf(error: DatabaseError): DomainError | undefined {
  // Cancelled for taking too long; a lock that was not free in time.
  if (error.code === '57014' || error.code === '55P03') {
    return new DomainError({ code: 'database_busy', reason: 'timeout', retryAfter: 1 });
  }
  const reason = outageOf(error);
  if (reason === undefined) return undefined;
  return new DomainError({ code: 'database_unavailable', reason, retryAfter: 5 }, { cause: error });
}

export const allConnectionsInUse = () =>
  new DomainError({ code: 'database_busy', reason: 'connections', retryAfter: 1 });

export const unreachable = () =>
  new DomainError({ code: 'database_unavailable', reason: 'unreachable', retryAfter: 1 });

/** It is not known whether the statement was executed. */
export const connectionLost = () =>
  new DomainError({ code: 'database_unavailable', reason: 'connection_lost', retryAfter: 1 });

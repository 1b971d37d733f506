import { DatabaseError } from 'pg';
import { errorCode } from '../../lib/error-code.ts';
import { DomainError } from '../../lib/failure.ts';
import type { Outage } from '../outages.ts';

/** Why an attempt failed, for the log. It does not contain the statement. */
export function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = errorCode(error);
  const message = first instanceof Error ? first.message : String(first);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

/** Connection failures, a server that stops or ends a session, and transactions that were left open for too long. */
const ENDS_CONNECTION = /^(08|57P|25P0[34])/;

/**
 * Whether the server keeps the connection open after this error. It does not use the severity, because servers write that
 * in their own language.
 */
export const isStatementError = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && !ENDS_CONNECTION.test(error.code ?? '');

/**
 * Whether the connection is unusable after this error: a transaction is aborted and not rolled back, or the prepared
 * statements do not fit the tables any more.
 */
export const isSpoilt = ({ code = '' }: DatabaseError) => ['25P02', '0A000', '26000'].includes(code);

/** Whether the server has no free connection. */
export const isFull = (error: unknown) =>
  error instanceof DatabaseError && /^(53300|53400)$/.test(error.code ?? '');

/** The outage that an error of the server shows, or undefined. */
export function outageOf({ code = '' }: DatabaseError): Outage | undefined {
  if (code === '53100') return 'disk_full';
  if (/^XX00[12]$/.test(code)) return 'damaged';
  // Read-only, for example after a failover; no memory or connections left; a failing disk.
  return code === '25006' || /^(53|58)/.test(code) ? 'refused' : undefined;
}

/** The failure for an error that comes from the state of the server, and not from the statement. */
export function refusalOf(error: DatabaseError): DomainError | undefined {
  // A lock was not free in time.
  if (error.code === '55P03')
    return new DomainError({ code: 'database_busy', reason: 'other_change', retryAfter: 1 });
  // The statement took too long.
  if (error.code === '57014')
    return new DomainError({ code: 'database_busy', reason: 'timeout', retryAfter: 1 }, { cause: error });
  const reason = outageOf(error);
  if (reason === undefined) return undefined;
  return new DomainError({ code: 'database_unavailable', reason, retryAfter: 5 }, { cause: error });
}

export const allConnectionsInUse = () =>
  new DomainError({ code: 'database_busy', reason: 'connections', retryAfter: 1 });

export const unreachable = () =>
  new DomainError({ code: 'database_unavailable', reason: 'unreachable', retryAfter: 1 });

/** Nobody knows whether the statement was executed. */
export const connectionLost = () =>
  new DomainError({ code: 'database_unavailable', reason: 'connection_lost', retryAfter: 1 });

export const isUnavailable = (error: unknown) =>
  error instanceof DomainError && error.failure.code === 'database_unavailable';

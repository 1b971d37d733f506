import type { Failure } from '../lib/failure.ts';

export type RenderedFailure = { status: number; headers: Record<string, string>; body: string };

/**
 * How an API answers a request that failed: status, wording and headers for every failure code. A dialect keeps them in
 * a table that `satisfies Record<FailureCode, ...>`, so that a new code does not compile without its row.
 */
export type Dialect = (failure: Failure) => RenderedFailure;

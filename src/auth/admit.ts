import type { Scope } from '../lib/brand.ts';
import type { Failure } from '../lib/failure.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Principal } from '../lib/principal.ts';
import { lacksScopes } from './authorize.ts';

/** Whether a verification lets a valid key through. */
export type Admission = { state: 'admitted'; principal: Principal } | { state: 'refused'; failure: Failure };

/** Decides about a valid key. The caller of the verification chooses the scopes, and the key must hold all of them. */
export type Admit = (principal: Principal, scopes: readonly Scope[]) => MaybePromise<Admission>;

export function admit(principal: Principal, scopes: readonly Scope[]): Admission {
  const failure = scopes.length === 0 ? undefined : lacksScopes(principal, scopes);
  return failure ? { state: 'refused', failure } : { state: 'admitted', principal };
}

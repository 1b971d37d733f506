import type { Revalidate } from '../keys/change.ts';
import { judge } from '../keys/key.ts';
import { findKey } from '../keys/store.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { lacksScope } from './authorize.ts';

/**
 * Makes the function that reads a principal again and checks that it may still act. It was valid when the request began.
 * But a body can take long to arrive, and a key that was revoked in the meantime must not change anything.
 *
 * The function throws a DomainError `invalid_api_key`, or `insufficient_scope` when the principal no longer holds the scope.
 */
export const revalidator =
  (clock: Pick<Clock, 'now'>): Revalidate =>
  async (handle, { principal, ip }, scope) => {
    const key = await findKey(handle, principal.id);
    if (!key || judge(key, { now: clock.now(), ip }).code !== 'VALID')
      throw new DomainError({ code: 'invalid_api_key', remaining: undefined });
    const failure = scope === undefined ? undefined : lacksScope(key, scope);
    if (failure) throw new DomainError(failure);
    return key;
  };

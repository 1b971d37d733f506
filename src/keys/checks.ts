import type { KeyId } from '../lib/brand.ts';
import { DomainError, type Failure } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { type ApiKey, isUsable } from './key.ts';
import { type Reach, reaches } from './reach.ts';

/** What the services of keys check before a change. */

/**
 * For what the file of the gateway decides about a key. A key that left all files can only be deleted.
 * @throws DomainError `api_key_declared`
 */
export function assertNotDeclared({ source }: Pick<ApiKey, 'source'>): void {
  if (source === 'config') throw new DomainError({ code: 'api_key_declared' });
}

/** Whether a change is about something that the file of a gateway decides. */
export const isOfFile = (before: ApiKey, after: ApiKey) =>
  before.label !== after.label || before.scopes.join(' ') !== after.scopes.join(' ');

/** @throws DomainError `api_key_declared`, `api_key_already_rotated`, `api_key_not_usable` */
export function assertRotatable(key: ApiKey, now: number): void {
  assertNotDeclared(key);
  if (key.rotatedTo !== null)
    throw new DomainError({ code: 'api_key_already_rotated', successor: key.rotatedTo });
  if (!isUsable(key, now)) throw new DomainError({ code: 'api_key_not_usable' });
}

export function refuse(failure: Failure | undefined): void {
  if (failure) throw new DomainError(failure);
}

/** The key of the request. */
export function keyOf({ principal }: Actor): KeyId {
  if (principal.kind === 'key') return principal.id;
  throw new DomainError({ code: 'api_key_only' });
}

/** @throws DomainError `api_key_not_found`, also for a key that is out of reach */
export function visible(key: ApiKey | undefined, reach: Reach): ApiKey {
  if (!key || !reaches(reach, key)) throw new DomainError({ code: 'api_key_not_found' });
  return key;
}

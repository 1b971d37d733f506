import { exceedsScopes } from '../keys/permission.ts';
import { holds } from '../keys/scopes.ts';
import type { Scope } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor, Role } from '../lib/principal.ts';

/** What an admin chooses about the powers of an account. */
export type Grant = Readonly<{ role: Role; scopes: readonly Scope[] }>;

const badScopes = (message: string) =>
  new DomainError({ code: 'invalid_request', errors: [{ path: 'scopes', message }] });

/**
 * Checks what an account gets. Nobody grants what they do not hold. `*` is the role of an admin, and not a scope of a member.
 * @param holder who grants it
 * @throws DomainError `invalid_request`, `insufficient_scope`
 */
export function assertGrantable(
  { role, scopes }: Grant,
  holder: Readonly<{ scopes: readonly Scope[] }>,
): void {
  if (role === 'admin' && scopes.length > 0) throw badScopes('must be absent: an admin holds everything');
  if (scopes.some((scope) => scope === '*')) throw badScopes('must not contain *: make the account an admin');
  const failure = exceedsScopes(holder, { scopes });
  if (failure) throw new DomainError(failure);
}

/** @throws DomainError `insufficient_scope` for anybody except an admin, and a key that can manage everything */
export function assertAdmin({ principal }: Pick<Actor, 'principal'>): void {
  if (!holds(principal.scopes, '*'))
    throw new DomainError({
      code: 'insufficient_scope',
      reason: 'route',
      scopes: ['*'],
      ...(principal.kind === 'account' && { isPerson: true }),
    });
}

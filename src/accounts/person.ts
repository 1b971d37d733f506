import { DomainError } from '../lib/failure.ts';
import type { AccountPrincipal, Actor } from '../lib/principal.ts';

/** The person of a request. @throws DomainError `account_only` for a key */
export function personOf({ principal }: Pick<Actor, 'principal'>): AccountPrincipal {
  if (principal.kind === 'account') return principal;
  throw new DomainError({ code: 'account_only' });
}

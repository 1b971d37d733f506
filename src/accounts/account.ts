import { everyScope } from '../keys/scopes.ts';
import type { AccountId, Scope } from '../lib/brand.ts';
import type { Role, Standing } from '../lib/principal.ts';

/** A person who can sign in, without password and second factor. */
export type Account = Readonly<{
  id: AccountId;
  /** In lower case. No two accounts have the same. */
  email: string;
  name: string;
  role: Role;
  /** What an admin has granted. An admin holds everything. */
  scopes: readonly Scope[];
  /** False for an account that registered itself, until an admin approves it. */
  isApproved: boolean;
  /** A second factor is set up and confirmed. */
  hasTwoFactor: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
  lastSignInAt: number | null;
}>;

export const standingOf = ({ role, isApproved }: Pick<Account, 'role' | 'isApproved'>): Standing =>
  isApproved ? role : 'pending';

/** What the keys of an account may hold. An account that waits for approval grants nothing. */
export function grantedScopes(account: Pick<Account, 'role' | 'isApproved' | 'scopes'>): readonly Scope[] {
  const standing = standingOf(account);
  if (standing === 'pending') return [];
  return standing === 'admin' ? everyScope : account.scopes;
}

/** An account as clients and the audit log see it. Times are in seconds since 1970. */
export const publicAccount = (account: Account) => ({
  id: account.id,
  email: account.email,
  name: account.name,
  role: account.role,
  scopes: [...grantedScopes(account)],
  is_approved: account.isApproved,
  two_factor: account.hasTwoFactor,
  created_at: account.createdAt / 1_000,
  last_sign_in_at: account.lastSignInAt === null ? null : account.lastSignInAt / 1_000,
});

/** Two spellings of an address that differ in case are one account. */
export const foldEmail = (email: string): string => email.trim().toLowerCase();

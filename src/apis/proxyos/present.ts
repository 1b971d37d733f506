import type { Account } from '../../accounts/account.ts';

export const dateOrNull = (milliseconds: number | null): Date | null =>
  milliseconds === null ? null : new Date(milliseconds);

/** The roles of this API, and what they are called elsewhere. */
export const ROLES = { admin: 'admin', viewer: 'member' } as const;

export type ShownRole = keyof typeof ROLES;

export const presentRole = (role: Account['role']): ShownRole => (role === 'admin' ? 'admin' : 'viewer');

/** Keyhearth keeps no avatars. */
const noAvatar = { avatarColor: null, avatarUrl: null };

/** Who signs in. */
export const presentPerson = ({ id, email, name, role }: Account) => ({
  id: id as string,
  email,
  role: presentRole(role),
  displayName: name === '' ? null : name,
  ...noAvatar,
});

/** The same, for a sign-in that lacks the second factor. */
export const nobodyYet = { id: null, email: null, role: null, displayName: null, ...noAvatar };

export const presentProfile = (account: Account) => ({
  ...presentPerson(account),
  totpEnabled: account.hasTwoFactor,
  ssoProvider: null,
  createdAt: new Date(account.createdAt),
  lastLogin: dateOrNull(account.lastSignInAt),
});

/** An account in a list. */
export const presentListed = (account: Account) => {
  const { id, email, role, ssoProvider, createdAt, lastLogin } = presentProfile(account);
  return { id, email, role, ssoProvider, createdAt, lastLogin };
};

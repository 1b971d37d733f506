import type { LockNotifier, Lockout } from './lockout.ts';
import type { LockoutEntry } from './wire.ts';

/** What a lockout counts: invalid keys of an address, and failed sign-ins from an address or for an e-mail address. */
export const LOCKOUT_KINDS = ['api_key', 'sign_in_address', 'sign_in_email'] as const;

export type LockoutKind = (typeof LOCKOUT_KINDS)[number];

export type Lockouts = Readonly<Record<LockoutKind, Lockout>>;

/** An entry of one of several lockouts. */
export type KindOfEntry = LockoutEntry & Readonly<{ kind: LockoutKind }>;

/** The messages of one lockout, apart from those of the others. The lockout of keys has the plain messages. */
export const notifierOf = (notifier: LockNotifier, kind: Exclude<LockoutKind, 'api_key'>): LockNotifier => ({
  notify: (message) => notifier.notify(`${kind} ${message}`),
  subscribe: (onMessage) =>
    notifier.subscribe((message) => {
      if (message.startsWith(`${kind} `)) onMessage(message.slice(kind.length + 1));
    }),
});

/** The lockouts that can have a name. An e-mail address is no client address. */
export const kindsOf = (name: string): LockoutKind[] =>
  LOCKOUT_KINDS.filter((kind) => (kind === 'sign_in_email') === name.includes('@'));

import type { LockNotifier, Lockout } from './lockout.ts';
import { LOCKOUT_KINDS, type LockoutKind } from './wire.ts';

export type Lockouts = Readonly<Record<LockoutKind, Lockout>>;

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

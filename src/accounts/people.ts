import type { Incident } from '../audit/event.ts';
import type { BootstrapService } from '../bootstrap/service.ts';
import type { BackgroundWriter, Reader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { BcryptPool } from '../keys/bcrypt-pool.ts';
import type { Change, Revalidate } from '../keys/change.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import type { LockNotifier } from '../lockout/lockout.ts';
import type { Seal } from '../pepper/seal.ts';
import { createAttempt } from './attempts.ts';
import { createCheckPassword, createConfirmIdentity } from './confirmation.ts';
import { createInvitations } from './invitations.ts';
import { createChangePassword } from './password-change.ts';
import { createPasswords } from './passwords.ts';
import { createProfiles } from './profiles.ts';
import { createRegistration } from './registration.ts';
import { createAccountService } from './service.ts';
import { createSessionLookup } from './session-lookup.ts';
import { createSessionService } from './session-service.ts';
import type { LacksTwoFactor } from './session-store.ts';
import { createStartSession } from './sessions.ts';
import { createSetup } from './setup.ts';
import { createSignIn } from './sign-in.ts';
import { createSignInLimits, type SignInMemory } from './sign-in-limits.ts';
import { createTwoFactor } from './two-factor.ts';

export type PeopleParts = {
  db: Db;
  reader: Reader;
  writer: BackgroundWriter;
  bcrypt: BcryptPool;
  seal: Seal;
  fingerprintOf: (token: RawKey) => Fingerprint;
  /** The same under the previous pepper; undefined when the pepper does not change. */
  previousFingerprintOf?: ((token: RawKey) => Fingerprint) | undefined;
  clock: Clock;
  revalidate: Revalidate;
  change: Change;
  bootstrap: BootstrapService;
  /** The failed sign-ins, which threads share. */
  memory: SignInMemory;
  /** How long a session lasts after its last renewal, in milliseconds. */
  sessionMs: number;
  lacksTwoFactor: LacksTwoFactor;
  /** Whether people can register themselves. */
  registrationIsOpen: boolean;
  notifier: LockNotifier;
  /** Called for each failed sign-in and each lock, before the client learns of it. */
  onIncident: (incident: Incident) => void;
  /** Called when the expiry of a session that is used could not be written. */
  onUnrenewed: (error: unknown) => void;
};

/** Builds the services for people. */
export function createPeople(parts: PeopleParts) {
  const { bcrypt, sessionMs: lifetimeMs, onUnrenewed: onError } = parts;
  const passwords = createPasswords(bcrypt);
  const startSession = createStartSession({ ...parts, lifetimeMs });
  const sessionLookup = createSessionLookup({ ...parts, lifetimeMs, onError });
  const limits = createSignInLimits(parts);
  const attempt = createAttempt({ ...parts, limits });
  const checkPassword = createCheckPassword({ ...parts, passwords, attempt });
  const confirmIdentity = createConfirmIdentity(checkPassword, parts.clock);
  return {
    checkPassword,
    signInLockouts: limits.lockouts,
    sessionLookup,
    signIn: createSignIn({ ...parts, passwords, startSession, attempt }),
    sessions: createSessionService({ ...parts, lookUp: sessionLookup }),
    setup: createSetup({ ...parts, passwords, startSession }),
    accounts: createAccountService({ ...parts, passwords, confirmIdentity }),
    invitations: createInvitations({ ...parts, passwords, confirmIdentity, startSession }),
    ...createRegistration({ ...parts, passwords, startSession, limits }),
    changePassword: createChangePassword({ ...parts, passwords, attempt }),
    twoFactor: createTwoFactor({ ...parts, attempt, confirmIdentity }),
    profiles: createProfiles(parts),
  };
}

/** Makes the rule which accounts need a second factor. */
export const twoFactorRule =
  (required: 'off' | 'admins' | 'all'): LacksTwoFactor =>
  ({ standing, hasTwoFactor }) =>
    !hasTwoFactor && (required === 'all' || (required === 'admins' && standing === 'admin'));

import { hash } from 'node:crypto';
import type { Incident } from '../audit/event.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { type Lockouts, notifierOf } from '../lockout/kinds.ts';
import { createLockout, type Locked, type LockNotifier, type LockoutPolicy } from '../lockout/lockout.ts';
import { allocateLockout, type LockoutMemory, releaseLockout } from '../lockout/memory.ts';
import { lockedIncident } from '../lockout/wire.ts';

/**
 * What a sign-in was: a success, a failed attempt, or neither, when the second factor is missing. A registration is a
 * success that counts for the client address, so that nobody makes thousands of accounts.
 */
export type Evaluated<T> = Readonly<{
  outcome: 'valid' | 'invalid' | 'unfinished' | 'registered';
  result: T;
}>;

export type SignInLimits = {
  /** For operators. */
  lockouts: Pick<Lockouts, 'sign_in_address' | 'sign_in_email'>;
  /**
   * Evaluates a sign-in when neither the e-mail address nor the client address is locked, and counts it.
   * @throws DomainError `too_many_sign_in_attempts`
   */
  attempt<T>(
    who: Readonly<{ email: string; address: string | undefined }>,
    evaluate: () => Promise<Evaluated<T>>,
  ): Promise<T>;
};

const EMAIL_POLICY = { attempts: 5, seconds: 900, by: 'address' } as const;
const ADDRESS_POLICY = { attempts: 20, seconds: 900, by: 'address' } as const;

/** The memory of both, which threads share. */
export type SignInMemory = Readonly<{ byEmail: LockoutMemory; byAddress: LockoutMemory }>;

/** An e-mail address has at most 254 characters (RFC 5321, section 4.5.3.1.3). */
const EMAIL_BYTES = 256;

export const allocateSignIns = (): SignInMemory => ({
  byEmail: allocateLockout(EMAIL_POLICY, undefined, EMAIL_BYTES),
  byAddress: allocateLockout(ADDRESS_POLICY),
});

/** Frees the memory when the thread that held it has ended. */
export function releaseSignIns({ byEmail, byAddress }: SignInMemory, deadThread: number): void {
  releaseLockout(byEmail, deadThread);
  releaseLockout(byAddress, deadThread);
}

/**
 * What the lockout calls an e-mail address. No account has one that is too long, or contains a space or an invisible
 * character. PostgreSQL could not send such a name to the other processes.
 */
const nameOf = (email: string) =>
  /^[^\s\p{C}]+$/u.test(email) && Buffer.byteLength(email) <= EMAIL_BYTES
    ? email
    : hash('sha256', email, 'base64url');

export type SignInLimitsParts = {
  memory: SignInMemory;
  clock: Clock;
  notifier: LockNotifier;
  /** Called once for each lock, in the process that counted the failures. */
  onIncident: (incident: Incident) => void;
};

/** Counts failed sign-ins by e-mail address and by client address. */
export function createSignInLimits({ memory, clock, notifier, onIncident }: SignInLimitsParts): SignInLimits {
  const create = (
    kind: keyof SignInLimits['lockouts'],
    policy: typeof EMAIL_POLICY | typeof ADDRESS_POLICY,
    table: LockoutMemory,
  ) =>
    createLockout(policy, clock, table, notifierOf(notifier, kind), (entry) =>
      onIncident(lockedIncident({ ...entry, kind })),
    );
  const byEmail = create('sign_in_email', EMAIL_POLICY, memory.byEmail);
  const byAddress = create('sign_in_address', ADDRESS_POLICY, memory.byAddress);

  function orThrow<T extends object>(outcome: T | Locked, { attempts: limit }: LockoutPolicy): T {
    if ('state' in outcome && outcome.state === 'locked')
      throw new DomainError({ code: 'too_many_sign_in_attempts', limit, retryAfter: outcome.retryAfter });
    return outcome as T;
  }

  return {
    lockouts: { sign_in_address: byAddress, sign_in_email: byEmail },

    async attempt({ email, address }, evaluate) {
      const ofEmail = { address: nameOf(email), credential: '' };
      const ofAddress = { address, credential: '' };

      async function evaluateAndCount() {
        const { outcome, result } = await evaluate();
        if (outcome === 'invalid') {
          orThrow(byEmail.record(ofEmail, 'invalid'), EMAIL_POLICY);
          orThrow(byAddress.record(ofAddress, 'invalid'), ADDRESS_POLICY);
          return { result };
        }
        // Nobody learns the result when another attempt has locked one of them meanwhile. A success does not clear the
        // client address: a guesser could sign in to an account of its own in between.
        const waits = [byEmail.retryAfter(ofEmail.address), byAddress.retryAfter(address)] as const;
        const retryAfter = Math.max(...waits);
        const policy = waits[0] > 0 ? EMAIL_POLICY : ADDRESS_POLICY;
        if (retryAfter > 0) orThrow<never>({ state: 'locked', retryAfter }, policy);
        if (outcome === 'valid') orThrow(byEmail.record(ofEmail, 'valid'), EMAIL_POLICY);
        if (outcome === 'registered') orThrow(byAddress.record(ofAddress, 'invalid'), ADDRESS_POLICY);
        return { result };
      }

      const { result } = orThrow(
        await byAddress.reserve(ofAddress, async () =>
          orThrow(await byEmail.reserve(ofEmail, evaluateAndCount), EMAIL_POLICY),
        ),
        ADDRESS_POLICY,
      );
      return result;
    },
  };
}

import type { Connection } from '../keys/prove.ts';
import type { Failure } from '../lib/failure.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { KeyPrincipal, Principal } from '../lib/principal.ts';
import type { Attempt } from '../lockout/attempt.ts';
import type { Locked, Lockout } from '../lockout/lockout.ts';
import type {
  Authenticator,
  Judged,
  KeyAuthenticator,
  ReadHeader,
  Sender,
  Verification,
} from './authenticator.ts';

export type Authentication<P extends Principal = Principal> =
  | { state: 'authenticated'; principal: P }
  /** `judged`: the credential, when it is the reason. */
  | { state: 'refused'; failure: Failure; judged?: Judged };

/**
 * Decides who a request acts for. It returns a promise only when it has to wait.
 * @param connection the one that waits. A slow comparison gives way to others when it has ended
 */
export type Authenticate<P extends Principal = Principal> = (
  sender: Sender,
  header: ReadHeader,
  connection?: Connection,
) => MaybePromise<Authentication<P>>;

/** An attempt, and the connection that waits for its result. */
type Waiting = Attempt & Readonly<{ connection: Connection | undefined }>;

const tooManyAttempts = ({ retryAfter }: Pick<Locked, 'retryAfter'>): Failure => ({
  code: 'too_many_failed_attempts',
  retryAfter,
});

/** The credential may still be valid, so this is not a refusal. */
export const undecided: Failure = { code: 'overloaded', reason: 'undecided', retryAfter: 1 };

/** A client sends a key in one or two ways. A request that sends more is a guesser's. */
const MAX_CREDENTIALS = 8;

/**
 * The credentials of a request that may be evaluated, in their order. Those that were valid from this address come first,
 * so that a wrong one beside them cannot use up the last attempt.
 */
function attemptsOf(
  lockout: Lockout,
  credentials: readonly string[],
  address: string | undefined,
  isLocked: boolean,
): Attempt[] {
  const all = [...new Set(credentials)].map((credential): Attempt => ({ address, credential }));
  const known = all.filter(lockout.isKnown);
  if (isLocked) return known.slice(0, MAX_CREDENTIALS);
  const sorted = [...known, ...all.filter((attempt) => !known.includes(attempt))];
  return sorted.slice(0, Math.min(MAX_CREDENTIALS, lockout.remaining(address) ?? MAX_CREDENTIALS));
}

/** Whether the other credentials of the request need not, or must not, be evaluated. */
const isFinal = (result: Authentication) =>
  result.state === 'authenticated' ||
  result.failure.code === 'too_many_failed_attempts' ||
  (result.failure.code === 'invalid_api_key' && result.failure.remaining === 0);

const refused = (failure: Failure): Authentication<never> => ({ state: 'refused', failure });

/**
 * The failure of an address that is locked out, or undefined.
 * @param lockoutKey the address that failed attempts count for; undefined when they do not count
 */
export function lockedFailure(lockout: Lockout, lockoutKey: string | undefined): Failure | undefined {
  const retryAfter = lockout.retryAfter(lockoutKey);
  return retryAfter > 0 ? tooManyAttempts({ retryAfter }) : undefined;
}

/**
 * The authentication of an API. The first authenticator that finds a credential decides: it looks the credential up, and
 * the lockout records the attempt. Two different credentials for one authenticator are a conflict, because a proxy in
 * front may have checked the other one. The lockout is for guesses, so it does not concern the sessions of people.
 */
export function createAuthenticate(
  authenticators: readonly KeyAuthenticator[],
  lockout: Lockout,
): Authenticate<KeyPrincipal>;
export function createAuthenticate(authenticators: readonly Authenticator[], lockout: Lockout): Authenticate;
export function createAuthenticate(authenticators: readonly Authenticator[], lockout: Lockout): Authenticate {
  function authenticateWith(authenticator: KeyAuthenticator, attempt: Waiting, ip: Sender['ip']) {
    return andThen(authenticator.verify(attempt.credential, ip), (verification) =>
      decide(authenticator, attempt, verification),
    );
  }

  function decide(
    authenticator: KeyAuthenticator,
    attempt: Waiting,
    verification: Verification,
  ): MaybePromise<Authentication> {
    switch (verification.state) {
      case 'valid':
        return accept(attempt, verification.principal);
      case 'invalid':
        return refuse(attempt, verification.judged);
      case 'undecided':
        return postpone(attempt);
      case 'unsuitable':
        return refused({ code: 'invalid_api_key', remaining: undefined });
      case 'unconfigured':
        return refused({ code: 'no_api_key_configured' });
      case 'not_accepted':
        return refused(verification.failure);
      case 'unproven':
        return prove(authenticator, attempt, verification.prove);
    }
  }

  function accept(attempt: Attempt, principal: Principal): Authentication {
    const recorded = lockout.record(attempt, 'valid');
    if (recorded.state === 'locked') return refused(tooManyAttempts(recorded));
    return { state: 'authenticated', principal };
  }

  function refuse(attempt: Attempt, judged: Judged | undefined): Authentication {
    const recorded = lockout.record(attempt, 'invalid');
    if (recorded.state === 'locked') return refused(tooManyAttempts(recorded));
    const failure = { code: 'invalid_api_key', remaining: recorded.remaining } as const;
    return { state: 'refused', failure, ...(judged && { judged }) };
  }

  function postpone(attempt: Attempt): Authentication {
    const recorded = lockout.record(attempt, 'undecided');
    return refused(recorded.state === 'locked' ? tooManyAttempts(recorded) : undecided);
  }

  async function prove(
    authenticator: KeyAuthenticator,
    attempt: Waiting,
    work: Extract<Verification, { state: 'unproven' }>['prove'],
  ): Promise<Authentication> {
    const outcome = await lockout.reserve(attempt, async () =>
      decide(authenticator, attempt, await work(attempt.address, attempt.connection)),
    );
    return outcome.state === 'locked' ? refused(tooManyAttempts(outcome)) : outcome;
  }

  /**
   * Takes the first valid one of several credentials, which clears the failures of those before it. No more are evaluated
   * than the address has attempts left.
   */
  function authenticateAny(
    authenticator: KeyAuthenticator,
    [attempt, ...others]: readonly Waiting[],
    ip: Sender['ip'],
    refusal: Authentication,
  ): MaybePromise<Authentication> {
    if (!attempt) return refusal;
    return andThen(authenticateWith(authenticator, attempt, ip), (result) =>
      isFinal(result) ? result : authenticateAny(authenticator, others, ip, result),
    );
  }

  const acceptAccount = (principal: Principal | undefined): Authentication =>
    principal ? { state: 'authenticated', principal } : refused({ code: 'invalid_session' });

  /** A request without a credential is not counted. */
  async function refuseMissingCredential(lockoutKey: string | undefined): Promise<Authentication> {
    for (const authenticator of authenticators) {
      if (authenticator.kind === 'key' && (await authenticator.isConfigured()))
        return refused({ code: 'api_key_required', remaining: lockout.remaining(lockoutKey) });
    }
    return refused({ code: 'no_api_key_configured' });
  }

  return ({ lockoutKey, ip }, header, connection) => {
    const locked = lockedFailure(lockout, lockoutKey);
    for (const authenticator of authenticators) {
      const credentials = authenticator.read(header);
      const [credential] = credentials;
      if (credential === undefined) continue;
      if (credentials.length > 1 && new Set(credentials).size > 1) {
        if (authenticator.kind === 'key' && authenticator.takesAny)
          return authenticateAny(
            authenticator,
            attemptsOf(lockout, credentials, lockoutKey, locked !== undefined).map((attempt) => ({
              ...attempt,
              connection,
            })),
            ip,
            refused(locked ?? tooManyAttempts({ retryAfter: 1 })),
          );
        return refused(locked ?? { code: 'conflicting_api_keys' });
      }
      if (authenticator.kind === 'account') return andThen(authenticator.verify(credential), acceptAccount);
      const attempt = { address: lockoutKey, credential, connection };
      if (locked && !lockout.isKnown(attempt)) return refused(locked);
      return authenticateWith(authenticator, attempt, ip);
    }
    return locked ? refused(locked) : refuseMissingCredential(lockoutKey);
  };
}

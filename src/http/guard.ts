import { DomainError, type Problem } from '../lib/errors.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { remembering } from '../lib/remembering.ts';
import type { Client } from './client-address.ts';
import { type ReadHeader, readCredentials } from './credentials.ts';
import type { Principal } from './env.ts';

type Outcome<T> =
  | { state: 'locked'; retryAfter: number }
  | { state: 'counted'; remaining: number | undefined; result: T };

/** What the guard asks of the room that counts failed attempts. */
export type AttemptCounter = {
  retryAfter(address: string): number;
  remaining(address: string): number;
  settle<T extends { ok: boolean }>(address: string | undefined, result: T): Outcome<T>;
  attempt<T extends { ok: boolean }>(
    address: string | undefined,
    look: () => MaybePromise<T | undefined>,
    prove: () => Promise<T>,
  ): MaybePromise<Outcome<T>>;
};

type Verdict = { ok: true; key: Principal } | { ok: false };

/** What the guard asks of the room that knows the keys. */
export type KeyVerifier = {
  /** The verdict, if it can be had without proving anything. */
  recognise(rawKey: string): MaybePromise<Verdict | undefined>;
  verify(rawKey: string): Promise<Verdict>;
  hasUsableKey(): MaybePromise<boolean>;
  /** Told of every key that was let through. */
  countUse(id: number): void;
};

export type Admission = { state: 'admitted'; key: Principal } | { state: 'refused'; problem: Problem };

export type Guard = ReturnType<typeof createGuard>;

type Refusal = Pick<Problem, 'code' | 'detail'>;

const noKeyConfigured: Problem = {
  code: 'no_api_key_configured',
  detail: 'No API key configured. Register a key via POST /auth/register-key or use an existing key.',
};

const conflictingKeys: Problem = {
  code: 'conflicting_api_keys',
  detail: 'The request carries different API keys. Send one key, in one header.',
};

/** The wording is the contract's, and always plural there. An address that is not counted is told no count. */
const withCount = ({ code, detail }: Refusal, remaining: number | undefined): Problem => ({
  code,
  detail: remaining === undefined ? detail : `${detail} ${remaining} attempts remaining.`,
});

// The same object for the same number, so that whoever renders it can remember what it looks like.

const keyRequired = remembering((remaining: number | undefined) =>
  withCount({ code: 'api_key_required', detail: 'API key required.' }, remaining),
);

const invalidKey = remembering((remaining: number | undefined) =>
  withCount({ code: 'invalid_api_key', detail: 'Invalid API key.' }, remaining),
);

const tooManyAttempts = remembering(
  (retryAfter: number): Problem => ({
    code: 'too_many_failed_attempts',
    detail: 'Too many failed authentication attempts. Please try again later.',
    retryAfter,
  }),
);

const refused = (problem: Problem): Admission => ({ state: 'refused', problem });

/** Decides who may pass. Its answers come at once wherever nothing has to be waited for. */
export function createGuard(counter: AttemptCounter, keys: KeyVerifier) {
  /** The refusal of an address that is locked out. */
  function refuseLocked({ lockoutKey }: Client): Problem | undefined {
    const retryAfter = lockoutKey === undefined ? 0 : counter.retryAfter(lockoutKey);
    return retryAfter > 0 ? tooManyAttempts(retryAfter) : undefined;
  }

  /** Counts a guess at another secret than a key; tells how a wrong one is refused. */
  function refuseWrong({ lockoutKey }: Client, ok: boolean, wrong: Refusal): Problem | undefined {
    const outcome = counter.settle(lockoutKey, { ok });
    if (outcome.state === 'locked') return tooManyAttempts(outcome.retryAfter);
    return ok ? undefined : withCount(wrong, outcome.remaining);
  }

  /** Lets only a request with a valid key pass. */
  function admit(client: Client, header: ReadHeader): MaybePromise<Admission> {
    const credentials = readCredentials(header);
    if (credentials.state === 'conflicting') return refused(conflictingKeys);
    if (credentials.state === 'none') return requireKey(client);
    const { rawKey } = credentials;
    const outcome = counter.attempt(
      client.lockoutKey,
      () => keys.recognise(rawKey),
      () => prove(rawKey),
    );
    return andThen(outcome, conclude);
  }

  async function requireKey({ lockoutKey }: Client): Promise<Admission> {
    if (!(await keys.hasUsableKey())) return refused(noKeyConfigured);
    return refused(keyRequired(lockoutKey === undefined ? undefined : counter.remaining(lockoutKey)));
  }

  async function prove(rawKey: string): Promise<Verdict> {
    const verdict = await keys.verify(rawKey);
    // Where no key could be right, nothing was guessed: throwing keeps it from being counted.
    if (!verdict.ok && !(await keys.hasUsableKey())) throw new DomainError(noKeyConfigured);
    return verdict;
  }

  function conclude(outcome: Outcome<Verdict>): Admission {
    if (outcome.state === 'locked') return refused(tooManyAttempts(outcome.retryAfter));
    const verdict = outcome.result;
    if (!verdict.ok) return refused(invalidKey(outcome.remaining));
    keys.countUse(verdict.key.id);
    return { state: 'admitted', key: verdict.key };
  }

  return { refuseLocked, refuseWrong, admit };
}

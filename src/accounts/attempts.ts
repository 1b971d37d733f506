import type { Incident } from '../audit/event.ts';
import { DomainError, type FailureOf, type PasswordField } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import { personOf } from './person.ts';
import type { Visitor } from './sessions.ts';
import type { Evaluated, SignInLimits } from './sign-in-limits.ts';

/** Who gives a password or a second factor: for an e-mail address, from a client address. */
export type Attempter = Readonly<{ email: string }> & Pick<Visitor, 'address' | 'lockoutKey' | 'requestId'>;

/** Why an attempt fails. */
export type Failed = Readonly<{
  state: 'failed';
  failure: FailureOf<'invalid_sign_in' | 'invalid_two_factor_code'>;
}>;

export type Passed = Readonly<{ state: string }>;

/**
 * Evaluates a password or a second factor, and counts it as a sign-in.
 * @throws DomainError the code of a failure, or `too_many_sign_in_attempts`
 */
export type Attempt = <T extends Passed>(
  who: Attempter,
  evaluate: () => Promise<Evaluated<T | Failed>>,
) => Promise<T>;

export type AttemptParts = {
  limits: SignInLimits;
  /** Called for each failed attempt, before the client learns of it. */
  onIncident: (incident: Incident) => void;
};

export const failed = (failure: Failed['failure']): Evaluated<Failed> => ({
  outcome: 'invalid',
  result: { state: 'failed', failure },
});

/** The wrong password of somebody who is signed in. */
export const wrongPassword = (field: PasswordField): Evaluated<Failed> =>
  failed({ code: 'invalid_sign_in', field });

/** Somebody who is signed in already. A success clears no failures, because a stolen session can cause one. */
export const passed: Evaluated<Passed> = { outcome: 'unfinished', result: { state: 'passed' } };

export function attempterOf(actor: Actor): Attempter {
  const { address, lockoutKey, requestId } = actor;
  return { email: personOf(actor).email, address, lockoutKey, requestId };
}

const isFailed = (result: Passed): result is Failed => result.state === 'failed';

export const createAttempt =
  ({ limits, onIncident }: AttemptParts): Attempt =>
  async ({ email, address, lockoutKey, requestId }, evaluate) => {
    const result = await limits.attempt({ email, address: lockoutKey }, evaluate);
    if (!isFailed(result)) return result as Exclude<typeof result, Failed>;
    onIncident({
      action: 'sign_in.failed',
      address,
      requestId,
      changes: { email: { from: null, to: email } },
    });
    throw new DomainError(result.failure);
  };

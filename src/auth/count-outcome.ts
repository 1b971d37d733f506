import type { FailureCode } from '../lib/failure.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { KeyPrincipal } from '../lib/principal.ts';
import type { UsageCounter } from '../usage/counter.ts';
import type { Outcome } from '../usage/outcome.ts';
import type { Admit } from './admit.ts';
import type { Authenticate, Authentication } from './authenticate.ts';

/** Counts how keys are used. */
export type Usage = Pick<UsageCounter, 'countUse' | 'countVerification'>;

/** The outcomes of verifications that authentication does not refuse. */
const outcomes: Partial<Record<FailureCode, Outcome>> = {
  insufficient_scope: 'INSUFFICIENT_SCOPE',
  rate_limited: 'RATE_LIMITED',
};

/** Counts a verification that authentication refused. It does so for an unknown key too: see docs/decisions/timing.md. */
export function countRefusal({ countVerification }: Usage, authentication: Authentication): void {
  if (authentication.state === 'refused' && authentication.judged)
    countVerification(authentication.judged.id, authentication.judged.outcome);
}

/** An authentication whose refusals count as verifications. */
export const countingRefusals =
  (authenticate: Authenticate<KeyPrincipal>, usage: Usage): Authenticate<KeyPrincipal> =>
  (...request) =>
    andThen(authenticate(...request), (authentication) => {
      countRefusal(usage, authentication);
      return authentication;
    });

/** An admission that counts its verifications. */
export const countingAdmit =
  (admit: Admit, { countVerification }: Usage): Admit =>
  (principal, scopes) =>
    andThen(admit(principal, scopes), (admission) => {
      const outcome = admission.state === 'admitted' ? 'VALID' : outcomes[admission.failure.code];
      if (outcome) countVerification(principal.id, outcome);
      return admission;
    });

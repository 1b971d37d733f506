import { OUTCOMES, type Outcome, UNKNOWN_KEY } from '../usage/outcome.ts';
import { UNKNOWN } from './catalogue.ts';
import type { Meter } from './meter.ts';

export type CountsVerifications = { countVerification(id: typeof UNKNOWN_KEY, outcome: Outcome): void };

/** Counts verifications as they are counted for their keys, whichever API has made them. */
export function countingVerifications<Usage extends CountsVerifications>(meter: Meter, usage: Usage): Usage {
  const counters = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, meter.counter('verifications', outcome)]),
  ) as Record<Outcome, () => void>;
  const countUnknown = meter.counter('verifications', UNKNOWN);
  return {
    ...usage,
    countVerification(id, outcome) {
      if (id === UNKNOWN_KEY) countUnknown();
      else counters[outcome]();
      usage.countVerification(id, outcome);
    },
  };
}

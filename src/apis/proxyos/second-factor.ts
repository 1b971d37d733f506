import type { SecondFactor } from '../../accounts/second-factor.ts';

/** The client has one field for both: a code of an app has six digits, and a recovery code is longer. */
export const secondFactorOf = (given: string): SecondFactor =>
  /^[\d\s]{1,10}$/.test(given) ? { code: given } : { recoveryCode: given };

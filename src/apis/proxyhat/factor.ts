import type { SecondFactor } from '../../accounts/second-factor.ts';

/** What a person has typed where a code is asked for. People without their phone type a recovery code. */
export function factorOf(text: string | undefined): SecondFactor {
  if (text === undefined) return {};
  return /^[\d ]+$/.test(text) ? { code: text } : { recoveryCode: text };
}

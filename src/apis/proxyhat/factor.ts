import type { SecondFactor } from '../../accounts/second-factor.ts';
import { DomainError, type FailureCode } from '../../lib/failure.ts';

/** What a person has typed where a code is asked for. People without their phone type a recovery code. */
export function factorOf(text: string | undefined): SecondFactor {
  if (text === undefined) return {};
  return /^[\d ]+$/.test(text) ? { code: text } : { recoveryCode: text };
}

/**
 * Runs a change that a wrong code or password makes fail. Whoever sends it is signed in, so the answer is not a 401 but
 * names the field.
 */
export async function namingField<T>(
  code: FailureCode,
  path: string,
  message: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DomainError) || error.failure.code !== code) throw error;
    throw new DomainError({ code: 'invalid_request', errors: [{ path, message }] }, { cause: error });
  }
}

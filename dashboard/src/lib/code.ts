import { ApiError } from './api.ts';

/**
 * The six digits of an authenticator app. Apps show a space in the middle, and people type it.
 * @throws ApiError for a text that cannot be a code
 */
export function codeIn(typed: string): string {
  const code = typed.replaceAll(/\s/g, '');
  if (/^\d{6}$/.test(code)) return code;
  const errors = [{ path: 'code', message: 'must have six digits' }];
  throw new ApiError('The code must have six digits.', { status: 400, code: 'invalid_request', errors });
}

import type { CallError } from './result.ts';
import type { LimitState, Verification } from './types.ts';

/** What a guarded service answers in place of its handler. It has the form of the answers of Keyhearth. */
export type Refusal = {
  status: 400 | 401 | 403 | 429 | 503;
  code: RefusalCode;
  detail: string;
  headers: Record<string, string>;
};

export type RefusalCode =
  | 'api_key_required'
  | 'conflicting_api_keys'
  | 'insufficient_scope'
  | 'invalid_api_key'
  | 'rate_limited'
  | 'too_many_failed_attempts'
  | 'verification_unavailable';

/** Where the answer of Keyhearth says nothing. */
const USUAL_WAIT_S = 5;

const challenge = (parameters = '') => ({ 'WWW-Authenticate': `Bearer realm="keyhearth"${parameters}` });
const retryAfter = (seconds: number) => ({ 'Retry-After': String(seconds) });

export const keyRequired: Refusal = {
  status: 401,
  code: 'api_key_required',
  detail: 'API key required.',
  headers: challenge(),
};

export const conflictingKeys: Refusal = {
  status: 400,
  code: 'conflicting_api_keys',
  detail: 'The request carries different API keys. Send one key, in one header.',
  headers: {},
};

/** The same for all of them: the answer does not say whether a key exists. */
export const invalidKey: Refusal = {
  status: 401,
  code: 'invalid_api_key',
  detail: 'Invalid API key.',
  headers: challenge(', error="invalid_token"'),
};

export function refusalOf(verification: Exclude<Verification, { valid: true }>): Refusal {
  switch (verification.code) {
    case 'INSUFFICIENT_SCOPE': {
      const scopes = verification.missing_scopes.join(' ');
      return {
        status: 403,
        code: 'insufficient_scope',
        detail: `The API key does not hold the scope: ${scopes}.`,
        headers: challenge(`, error="insufficient_scope", scope="${scopes}"`),
      };
    }
    case 'RATE_LIMITED':
      return {
        status: 429,
        code: 'rate_limited',
        detail: 'The API key has reached a rate limit.',
        headers: {
          ...(verification.retry_after !== null && retryAfter(verification.retry_after)),
          ...rateLimitHeaders(verification.limits),
        },
      };
    case 'LOCKED':
      return {
        status: 429,
        code: 'too_many_failed_attempts',
        detail: 'Too many failed authentication attempts. Please try again later.',
        headers: retryAfter(verification.retry_after),
      };
    // Also what a later version may answer: nothing passes that this one does not know.
    default:
      return invalidKey;
  }
}

/** Nobody knows whether the key is valid, so it does not pass. */
export const unavailable = (error: CallError): Refusal => ({
  status: 503,
  code: 'verification_unavailable',
  detail: 'The API key cannot be verified at the moment. Try again later.',
  headers: retryAfter((error.kind === 'problem' ? error.retryAfter : undefined) ?? USUAL_WAIT_S),
});

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A duration of Keyhearth, such as `30m`. */
function secondsIn(window: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(window) ?? [];
  return Number(count) * SECONDS[unit as keyof typeof SECONDS];
}

/** The headers of draft-ietf-httpapi-ratelimit-headers-10. */
export const rateLimitHeaders = (limits: readonly LimitState[]): Record<string, string> => ({
  RateLimit: limits
    .map(({ name, remaining, resets_in: t }) => `"${name}";r=${remaining}${t > 0 ? `;t=${t}` : ''}`)
    .join(', '),
  'RateLimit-Policy': limits
    .map(({ name, limit, window }) => `"${name}";q=${limit};w=${secondsIn(window)}`)
    .join(', '),
});

import type { LimitState } from '../lib/rate-limit.ts';

const seconds = (ms: number) => Math.ceil(ms / 1_000);

/**
 * The headers of draft-ietf-httpapi-ratelimit-headers-10: the limits, and what is left of each. A window that is not open
 * has no time. The names need no escape: they have only letters, digits, - and _.
 */
export const rateLimitHeaders = (limits: readonly LimitState[]) => ({
  RateLimit: limits
    .map(
      ({ name, remaining, resetMs }) =>
        `"${name}";r=${remaining}${resetMs > 0 ? `;t=${seconds(resetMs)}` : ''}`,
    )
    .join(', '),
  'RateLimit-Policy': limits
    .map(({ name, limit, windowMs }) => `"${name}";q=${limit};w=${seconds(windowMs)}`)
    .join(', '),
});

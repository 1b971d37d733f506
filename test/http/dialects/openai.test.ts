import { expect, test } from 'vitest';
import { openai } from '../../../src/http/dialects/openai.ts';
import type { Failure } from '../../../src/lib/failure.ts';

const limit = { name: 'burst', limit: 1, window: '1s', windowMs: 1_000, remaining: 0, resetMs: 1_000 };

test.each<[Failure, number, object]>([
  [
    { code: 'api_key_required', remaining: 5 },
    401,
    { message: 'Missing API key', type: 'authentication_error' },
  ],
  [
    { code: 'invalid_api_key', remaining: 4 },
    401,
    { message: 'Invalid API key', type: 'authentication_error' },
  ],
  [{ code: 'no_api_key_configured' }, 401, { message: 'Invalid API key', type: 'authentication_error' }],
  [
    { code: 'insufficient_scope', reason: 'route', scopes: ['gateway:use'] },
    403,
    { message: 'The API key does not hold the scope: gateway:use.', type: 'permission_error' },
  ],
  [
    { code: 'rate_limited', retryAfter: 7, limits: [limit] },
    429,
    {
      message: 'The API key has reached a rate limit: burst (1 in 1s). Try again later.',
      type: 'rate_limit_error',
    },
  ],
  [
    { code: 'too_many_failed_attempts', retryAfter: 7 },
    429,
    {
      message: 'Too many failed authentication attempts. Please try again later.',
      type: 'rate_limit_error',
    },
  ],
  [
    { code: 'body_too_large', limitBytes: 32 * 1024 * 1024 },
    413,
    {
      message: 'The member "model" must be in the first 32 MiB of the request body.',
      type: 'invalid_request_error',
    },
  ],
  [
    { code: 'upstream_unreachable' },
    502,
    { message: 'The upstream cannot be reached.', type: 'server_error' },
  ],
  [
    { code: 'upstream_timeout' },
    504,
    { message: 'The upstream did not answer in time.', type: 'server_error' },
  ],
])('%o', (failure, status, error) => {
  const rendered = openai(failure);
  expect(rendered.status).toBe(status);
  expect(JSON.parse(rendered.body)).toEqual({ error: { ...error, code: failure.code } });
  expect(rendered.headers).toMatchObject({ 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  expect(rendered.headers['Retry-After']).toBe(status === 429 ? '7' : undefined);
  expect(rendered.headers['WWW-Authenticate']?.startsWith('Bearer')).toBe(
    status === 401 || failure.code === 'insufficient_scope' ? true : undefined,
  );
});

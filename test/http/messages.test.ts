import { afterAll, beforeAll, expect, test } from 'vitest';
import { FIRST_KEY, type Running, register, startService } from '../support/keyhearth.ts';
import { CHEAP } from '../support/keys.ts';

/** What an answer says about frequent mistakes. */

let keyhearth: Running;
beforeAll(async () => {
  keyhearth = await startService({ config: CHEAP });
  await register(keyhearth.send);
});
afterAll(() => keyhearth.close());

const UNITS =
  'must be a whole number and a unit without a space between them: s, m, h or d, like 45s, 30m, 12h or 90d';
const NO_UNIT = 'must have a unit: s, m, h or d, like 90d. Or send seconds as a number, without quotes';
const EXPIRY = 'must be from 1 second to 36525 days';
const WINDOW = 'must be from 1 second to 366 days';
const SECONDS = 'A number is in seconds';
const TIME = 'must be a time as in RFC 3339, like 2030-01-31T12:00:00Z, or seconds since 1970';
const MILLISECONDS = 'must be in seconds since 1970, not in milliseconds';
const ACTIVATION = 'is changed by POST /auth/keys/{id}/activate and POST /auth/keys/{id}/deactivate';

const limited = (limit: object) => ({ rate_limits: [{ name: 'a', limit: 1, window: '1s', ...limit }] });

test.each<[string, string, object | undefined, string, string]>([
  ['POST', '/auth/keys', { expires_in: '90' }, 'expires_in', NO_UNIT],
  ['POST', '/auth/keys', { expires_in: '1 seconds' }, 'expires_in', UNITS],
  ['POST', '/auth/keys', { expires_in: '2w' }, 'expires_in', UNITS],
  ['POST', '/auth/keys', { expires_in: '90D' }, 'expires_in', UNITS],
  ['POST', '/auth/keys', { expires_in: '' }, 'expires_in', UNITS],
  ['POST', '/auth/keys', { expires_in: 1.5 }, 'expires_in', `${UNITS}. Or send whole seconds`],
  ['POST', '/auth/keys', { expires_in: -1 }, 'expires_in', `${UNITS}. Or send whole seconds`],
  ['POST', '/auth/keys', { expires_in: null }, 'expires_in', `${UNITS}. Or send whole seconds`],
  ['POST', '/auth/keys', { expires_in: '0s' }, 'expires_in', EXPIRY],
  ['POST', '/auth/keys', { expires_in: 90 * 86_400_000 }, 'expires_in', `${EXPIRY}. ${SECONDS}`],
  ['POST', '/auth/keys', { expires_at: 1_767_225_600_000 }, 'expires_at', MILLISECONDS],
  ['POST', '/auth/keys', { expires_at: '1767225600' }, 'expires_at', `${TIME} without quotes`],
  ['POST', '/auth/keys', { expires_at: 'tomorrow' }, 'expires_at', TIME],
  ['POST', '/auth/keys', { expires_at: '2100-01-31' }, 'expires_at', TIME],
  ['POST', '/auth/keys', { expires_at: -1 }, 'expires_at', TIME],
  ['POST', '/auth/keys', { expires_at: true }, 'expires_at', TIME],
  ['POST', '/auth/keys/1/rotate', { grace: '91d' }, 'grace', 'must be at most 90 days'],
  ['POST', '/auth/keys/1/rotate', { grace: '24' }, 'grace', NO_UNIT],
  ['POST', '/auth/keys', limited({ window: undefined }), 'rate_limits.0.window', 'is required'],
  ['POST', '/auth/keys', limited({ limit: undefined }), 'rate_limits.0.limit', 'is required'],
  ['POST', '/auth/keys', limited({ name: undefined }), 'rate_limits.0.name', 'is required'],
  ['POST', '/auth/keys', limited({ window: '0s' }), 'rate_limits.0.window', WINDOW],
  ['POST', '/auth/keys', limited({ window: '60' }), 'rate_limits.0.window', NO_UNIT],
  ['POST', '/auth/keys', limited({ status: 'x' }), 'rate_limits.0.status', 'is not a known field'],
  ['POST', '/auth/keys', { lable: '' }, 'lable', 'is not a known field'],
  ['PATCH', '/auth/keys/1', { is_active: false }, 'is_active', ACTIVATION],
  ['PATCH', '/auth/keys/1', { status: 'active' }, 'status', ACTIVATION],
  ['PATCH', '/auth/keys/1', { prefix: 'acme' }, 'prefix', 'cannot change. Choose it when you create a key'],
  ['GET', '/auth/keys?lable=a', undefined, 'lable', 'is not a known parameter'],
  ['GET', '/auth/keys?is_active=true', undefined, 'is_active', 'is not a known parameter'],
  ['GET', '/auth/audit?form=2030-01-01', undefined, 'form', 'is not a known parameter'],
  ['GET', '/auth/usage?form=2030-01-01', undefined, 'form', 'is not a known parameter'],
  ['GET', '/auth/audit?from=1767225600000', undefined, 'from', MILLISECONDS],
  ['GET', '/auth/usage?to=1767225600000', undefined, 'to', MILLISECONDS],
  ['GET', '/auth/usage?to=2030-01-31', undefined, 'to', TIME],
])('%s %s %j: %s %s', async (method, path, body, field, message) => {
  const { status, json } = await keyhearth.send({ method, path, key: FIRST_KEY, ...(body && { body }) });
  expect({ status, errors: json.errors }).toEqual({ status: 400, errors: [{ path: field, message }] });
});

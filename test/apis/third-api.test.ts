import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createRoute, z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiContext, createApi } from '../../src/apis/create-api.ts';
import { needsNoScope } from '../../src/apis/required-scope.ts';
import type { Authenticator } from '../../src/auth/authenticator.ts';
import { clientResolver } from '../../src/http/client-address.ts';
import { keyPrincipalOf } from '../../src/http/context.ts';
import type { Dialect } from '../../src/http/dialect.ts';
import { createRequestLog } from '../../src/http/request-log.ts';
import { createRoot } from '../../src/http/root.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { DomainError, type FailureCode } from '../../src/lib/failure.ts';
import { createLockout } from '../../src/lockout/lockout.ts';
import { client, type Send } from '../support/http.ts';
import { noCookies } from '../support/no-cookies.ts';
import { noUsage } from '../support/no-usage.ts';
import { noWarnings } from '../support/no-warnings.ts';
import { keyPrincipal } from '../support/principal.ts';

/**
 * A third API, made of a part of each kind of its own: an authenticator, a dialect, a list of open routes. It needs
 * nothing outside this file but what every API gets.
 */

const PASSWORD = 'open-sesame';

/** A password in a header of its own, on behalf of key 7. `slow-` passwords take a proof. */
function passwordAuthenticator(): Authenticator {
  const principal = keyPrincipal(7, 'third');
  return {
    kind: 'key',
    schemes: {
      password: { type: 'apiKey', in: 'header', name: 'X-Password', description: 'The password' },
    },
    read: (header) => header('x-password')?.split(', ') ?? [],
    verify(credential) {
      if (credential === PASSWORD) return { state: 'valid', principal };
      if (credential !== `slow-${PASSWORD}`) return { state: 'invalid' };
      return { state: 'unproven', prove: async () => ({ state: 'valid', principal }) };
    },
    isConfigured: () => true,
  };
}

const statuses = {
  invalid_request: 422,
  malformed_request: 400,
  conflicting_api_keys: 400,
  no_api_key_configured: 401,
  api_key_required: 401,
  invalid_api_key: 403,
  api_key_in_url: 401,
  invalid_bootstrap_token: 401,
  insufficient_scope: 403,
  rate_limited: 429,
  invalid_session: 401,
  invalid_sign_in: 401,
  two_factor_code_required: 401,
  invalid_two_factor_code: 401,
  too_many_sign_in_attempts: 429,
  two_factor_setup_required: 403,
  recent_sign_in_required: 403,
  cross_site_request: 403,
  api_key_only: 403,
  account_only: 403,
  setup_already_complete: 403,
  registration_closed: 403,
  account_not_found: 404,
  email_already_used: 409,
  last_admin_required: 409,
  session_not_found: 404,
  invitation_not_found: 404,
  invalid_invitation: 404,
  two_factor_already_enabled: 409,
  two_factor_not_enabled: 409,
  not_found: 404,
  api_key_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  api_key_already_configured: 409,
  last_active_api_key_required: 409,
  api_key_already_rotated: 409,
  api_key_not_usable: 409,
  api_key_declared: 409,
  too_many_concurrent: 429,
  caller_would_be_locked_out: 409,
  gateway_config_invalid: 422,
  gateway_config_changed: 409,
  gateway_config_unwritable: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  misdirected_request: 421,
  too_many_failed_attempts: 420,
  request_headers_too_large: 431,
  http_error: 400,
  internal_error: 500,
  management_refused: 403,
  management_invalid: 400,
  no_upstream: 404,
  no_upstream_credential: 404,
  upstream_rate_limited: 429,
  upstream_unreachable: 502,
  upstream_connection_lost: 502,
  upstream_invalid_answer: 502,
  upstream_credential_refused: 502,
  upstream_redirected: 502,
  upstream_websocket_refused: 502,
  upstream_connect_timeout: 504,
  upstream_timeout: 504,
  overloaded: 503,
  stopping: 503,
  database_busy: 503,
  database_unavailable: 503,
} satisfies Record<FailureCode, number>;

/** Plain text with the code in it, and a header of its own. */
const shouting: Dialect = (failure) => ({
  status: failure.code === 'http_error' ? failure.status : statuses[failure.code],
  headers: { 'Content-Type': 'text/plain', 'X-Dialect': 'shouting' },
  body: failure.code.toUpperCase(),
});

const text = { content: { 'text/plain': { schema: z.string() } }, description: 'Text' };
const time = createRoute({ method: 'get', path: '/third/time', responses: { 200: text } });
const whoami = createRoute({
  ...needsNoScope,
  method: 'get',
  path: '/third/whoami',
  responses: { 200: text },
});
const echo = createRoute({
  ...needsNoScope,
  method: 'post',
  path: '/third/echo/{name}',
  request: {
    params: z.object({ name: z.string().max(5) }),
    body: { required: true, content: { 'application/json': { schema: z.object({ text: z.string() }) } } },
  },
  responses: { 200: text },
});
const teapot = createRoute({
  ...needsNoScope,
  method: 'get',
  path: '/third/teapot',
  responses: { 200: text },
});
const knock = createRoute({
  method: 'post',
  path: '/third/knock',
  responses: { 200: text },
});

function thirdApi(context: ApiContext) {
  return createApi(
    {
      paths: ['/third/*'],
      authenticators: [passwordAuthenticator()],
      dialect: shouting,
      bodyLimit: 50,
      open: [
        time,
        {
          ...knock,
          check: async (c, next) => {
            if (c.req.header('X-Knocks') !== '3')
              throw new DomainError({ code: 'invalid_api_key', remaining: 1 });
            return next();
          },
        },
      ],
    },
    context,
    (router) =>
      router
        .openapi(time, (c) => c.text('noon', 200))
        .openapi(whoami, (c) => c.text(keyPrincipalOf(c).label, 200))
        .openapi(echo, (c) => c.text(c.req.valid('json').text, 200))
        .openapi(teapot, () => {
          throw new HTTPException(418);
        })
        .openapi(knock, (c) => c.text('come in', 200)),
  );
}

let server: Server;
let send: Send;
let accepted: number[];
let document: { paths?: Record<string, Record<string, { security?: object[] }>>; components?: object };

beforeEach(async () => {
  accepted = [];
  const logger = pino({ level: 'silent' });
  const lockout = createLockout({ attempts: 2, seconds: 300, by: 'address' }, systemClock);
  const usage = { ...noUsage, countUse: (id: number) => void accepted.push(id) };
  const app = createRoot(logger, createRequestLog(logger, 100), clientResolver([], noWarnings));
  const api = thirdApi({ lockout, usage, isAllowedHost: () => true, cookies: noCookies, ownedPaths: [] });
  document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: '', version: '' },
  }) as unknown as typeof document;
  const mounted = app.route('/', api);
  server = createServer(getRequestListener(mounted.fetch as never));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  send = client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const password = (value = PASSWORD) => ({ 'X-Password': value });
const json = { 'Content-Type': 'application/json' };

describe('a third API', () => {
  test('takes its own credential, and no other', async () => {
    expect(await send({ path: '/third/whoami', headers: password() })).toMatchObject({
      status: 200,
      text: 'third',
    });
    expect(await send({ path: '/third/whoami', key: PASSWORD })).toMatchObject({
      status: 401,
      text: 'API_KEY_REQUIRED',
    });
    expect(accepted).toEqual([7]);
  });

  test('speaks its own dialect in every failure', async () => {
    for (const [call, status, code] of [
      [{ path: '/third/whoami' }, 401, 'API_KEY_REQUIRED'],
      [{ path: '/third/whoami', headers: { 'X-Password': ['a', 'b'] } }, 400, 'CONFLICTING_API_KEYS'],
      [{ path: '/third/nothing', headers: password() }, 404, 'NOT_FOUND'],
      [{ path: '/third/whoami', method: 'PUT', headers: password() }, 405, 'METHOD_NOT_ALLOWED'],
      [{ path: '/third/teapot', headers: password() }, 418, 'HTTP_ERROR'],
      [
        { path: '/third/echo/toolong', method: 'POST', headers: password(), body: { text: '' } },
        422,
        'INVALID_REQUEST',
      ],
      [
        { path: '/third/echo/a', method: 'POST', headers: { ...password(), ...json }, body: '{' },
        400,
        'MALFORMED_REQUEST',
      ],
      [
        { path: '/third/echo/a', method: 'POST', headers: password(), body: { text: 'x'.repeat(60) } },
        413,
        'BODY_TOO_LARGE',
      ],
    ] as const) {
      const answer = await send(call as Parameters<Send>[0]);
      expect(answer).toMatchObject({ status, text: code });
      expect(answer.headers['x-dialect']).toBe('shouting');
      expect(answer.headers['x-request-id']).toBeDefined();
    }
  });

  test('is closed but for the routes that it lists as open, and a path that it does not know is closed too', async () => {
    expect(await send('/third/time')).toMatchObject({ status: 200, text: 'noon' });
    expect((await send({ path: '/third/time', method: 'DELETE' })).status).toBe(405);
    for (const path of ['/third', '/third/nothing', '/third/echo/a', '/third/time/', '/third//time']) {
      expect((await send(path)).status).toBe(401);
    }
  });

  test('checks an open route that has a check, before the body is read', async () => {
    const body = 'x'.repeat(100);
    const knockOn = (knocks: string, content = '') =>
      send({ path: '/third/knock', method: 'POST', headers: { 'X-Knocks': knocks }, body: content });
    expect(await knockOn('2', body)).toMatchObject({ status: 403, text: 'INVALID_API_KEY' });
    expect(await knockOn('3', body)).toMatchObject({ status: 413, text: 'BODY_TOO_LARGE' });
    expect(await knockOn('3')).toMatchObject({ status: 200, text: 'come in' });
  });

  test('has the lockout of all APIs, on its open routes too', async () => {
    for (let guess = 0; guess < 2; guess++) {
      expect((await send({ path: '/third/whoami', headers: password(`wrong-${guess}`) })).status).toBe(403);
    }
    for (const path of ['/third/whoami', '/third/time', '/third/nothing']) {
      expect(await send({ path, headers: password() })).toMatchObject({
        status: 420,
        text: 'TOO_MANY_FAILED_ATTEMPTS',
      });
    }
    expect(accepted).toEqual([]);
  });

  test('accepts a credential that takes a proof', async () => {
    const slow = { path: '/third/whoami', headers: password(`slow-${PASSWORD}`) };
    expect(await Promise.all([send(slow), send(slow), send(slow)])).toMatchObject([
      { status: 200 },
      { status: 200 },
      { status: 200 },
    ]);
    expect(accepted).toEqual([7, 7, 7]);
  });

  test('describes its security from its authenticators and its open routes', () => {
    const securityOf = (path: string, method: string) => document.paths?.[path]?.[method]?.security;
    expect(securityOf('/third/whoami', 'get')).toEqual([{ password: [] }]);
    expect(securityOf('/third/echo/{name}', 'post')).toEqual([{ password: [] }]);
    expect(securityOf('/third/time', 'get')).toEqual([]);
    expect(securityOf('/third/knock', 'post')).toEqual([]);
    expect(document.components).toMatchObject({
      securitySchemes: { password: { type: 'apiKey', in: 'header', name: 'X-Password' } },
    });
  });
});

test('/third/* owns /third itself', async () => {
  const context = {
    lockout: createLockout({ attempts: 2, seconds: 300, by: 'address' }, systemClock),
    usage: noUsage,
    isAllowedHost: () => true,
    cookies: noCookies,
    ownedPaths: [],
  };
  const bare = createRoute({ method: 'get', path: '/third', responses: { 200: text } });
  const api = createApi(
    { paths: ['/third/*'], authenticators: [], dialect: shouting, bodyLimit: 50, open: [bare] },
    context,
    (router) => router.openapi(bare, (c) => c.text('here', 200)),
  );
  expect(await (await api.request('/third', {}, { incoming: { socket: {}, headers: {} } })).text()).toBe(
    'here',
  );
});

describe('createApi refuses', () => {
  const contextWith = (ownedPaths: string[]): ApiContext => ({
    lockout: createLockout({ attempts: 2, seconds: 300, by: 'address' }, systemClock),
    usage: noUsage,
    isAllowedHost: () => true,
    cookies: noCookies,
    ownedPaths,
  });
  const context = contextWith([]);
  beforeEach(() => void context.ownedPaths.splice(0));
  const common = { dialect: shouting, bodyLimit: 50 };

  test('a route outside its paths', () => {
    const options = { ...common, paths: ['/other/*'], authenticators: [passwordAuthenticator()], open: [] };
    expect(() =>
      createApi(options, context, (router) => router.openapi(time, (c) => c.text('', 200))),
    ).toThrow('/third/time');
  });

  test('a route that is not open, where nothing can authenticate a request', () => {
    const options = { ...common, paths: ['/third/*'], authenticators: [], open: [] };
    expect(() =>
      createApi(options, context, (router) => router.openapi(time, (c) => c.text('', 200))),
    ).toThrow('GET /third/time');
  });

  test('a guarded route that does not say which scope it needs', () => {
    const options = { ...common, paths: ['/third/*'], authenticators: [passwordAuthenticator()], open: [] };
    const bare = createRoute({ method: 'get', path: '/third/bare', responses: { 200: text } });
    const sentence = 'GET /third/bare does not say which scope it needs';
    expect(() =>
      createApi(options, context, (router) => router.openapi(bare, (c) => c.text('', 200))),
    ).toThrow(sentence);
    context.ownedPaths.splice(0);
    expect(() =>
      createApi(options, context, (router) => {
        router.get('/third/bare', (c) => c.text(''));
        return router;
      }),
    ).toThrow(sentence);
  });

  test('a guarded route that an open route matches too', () => {
    const open = createRoute({ method: 'get', path: '/third/{page}', responses: { 200: text } });
    const options = {
      ...common,
      paths: ['/third/*'],
      authenticators: [passwordAuthenticator()],
      open: [open],
    };
    expect(() =>
      createApi(options, context, (router) =>
        router.openapi(open, (c) => c.text('', 200)).openapi(whoami, (c) => c.text('', 200)),
      ),
    ).toThrow('/third/:page also matches GET /third/whoami');
  });

  test.each([
    ['an optional parameter', '/third/time/:x?'],
    ['a pattern', '/third/time/:x{.+}'],
    ['a handler for all methods that an open route matches too', '/third/:x'],
    ['a middleware over an open route', '/third/*'],
  ])('%s', (_, path) => {
    const options = {
      ...common,
      paths: ['/third/*'],
      authenticators: [passwordAuthenticator()],
      open: [time],
    };
    expect(() =>
      createApi(options, context, (router) => {
        router.all(path, (c) => c.text('secret'));
        return router.openapi(time, (c) => c.text('', 200));
      }),
    ).toThrow(path);
  });

  test.each([
    ['the paths of another API', ['/third/*'], '/third/*'],
    ['a path inside those of another API', ['/third/*'], '/third/inner/*'],
    ['paths around those of another API', ['/third/inner'], '/third/*'],
    ['paths below the fallback', ['*'], '/third/*'],
  ])('%s', (_, owned, path) => {
    const options = { ...common, paths: [path], authenticators: [passwordAuthenticator()], open: [] };
    expect(() => createApi(options, contextWith(owned), (router) => router)).toThrow('an earlier API owns');
  });

  test('no fallback below other APIs', () => {
    const options = { ...common, paths: ['*'], authenticators: [passwordAuthenticator()], open: [] };
    expect(() => createApi(options, contextWith(['/third/*', '/']), (router) => router)).not.toThrow();
  });

  test('an open route that does not exist', () => {
    const options = {
      ...common,
      paths: ['/third/*'],
      authenticators: [passwordAuthenticator()],
      open: [knock],
    };
    expect(() =>
      createApi(options, context, (router) => router.openapi(time, (c) => c.text('', 200))),
    ).toThrow('POST /third/knock');
  });
});

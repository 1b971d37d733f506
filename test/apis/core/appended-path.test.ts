import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, client, type Send, sendRaw } from '../../support/http.ts';
import {
  bootstrapped,
  FIRST_KEY,
  type Running,
  register,
  service,
  startService,
} from '../../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE'];

/** What a client of Envoy can ask for. Envoy puts `/auth/verify` in front of it. */
const CLIENT_TARGETS = [
  '/',
  '/some/path?q=1',
  '/?deny=403',
  '/x?deny=nonsense',
  '/../bootstrap-status',
  '/../../health',
  '/%2e%2e/bootstrap-status',
  '/..%2f..%2fhealth',
  '/\\..\\..\\health',
  '//../../health',
  '/..;/bootstrap-status',
  '/./../keys',
  '/#/../../health',
  '/%00/../../health',
  '/%zz',
];

/** Hosts that Envoy passes on from its client. */
const HOSTS = ['service.test', 'not*plain', 'a:99999', '[::1', ''];

const below = (target: string) => `/auth/verify${target}`;

/** What is the same each time. */
function comparable({ status, headers, text }: Answer) {
  const { 'x-request-id': _, date: __, ...others } = headers;
  return { status, others, text };
}

describe('a request below /auth/verify/', () => {
  let keyhearth: Running;
  beforeAll(async () => {
    // Envoy, which passes the Host of its client on, is a trusted proxy.
    const env = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' };
    keyhearth = await startService({ env });
    await register(keyhearth.send);
  });
  afterAll(() => keyhearth.close());

  test.each<[string, Record<string, string>, number]>([
    ['a valid key', { 'X-API-Key': FIRST_KEY }, 200],
    ['a valid bearer token', { Authorization: `Bearer ${FIRST_KEY}` }, 200],
    ['a wrong key', { 'X-API-Key': WRONG }, 401],
    ['no key', {}, 401],
    ['two keys', { 'X-API-Key': FIRST_KEY, 'X-Proxbox-API-Key': WRONG }, 400],
  ])('with %s gets the answer of GET /auth/verify, by any method', async (_, headers, status) => {
    const { send } = keyhearth;
    const expected = comparable(await send({ path: '/auth/verify', headers }));
    expect(expected.status).toBe(status);
    for (const method of METHODS) {
      for (const target of CLIENT_TARGETS) {
        const answer = comparable(await send({ method, path: below(target), headers }));
        const text = method === 'HEAD' ? '' : expected.text;
        expect({ method, target, ...answer }).toEqual({ method, target, ...expected, text });
      }
    }
  });

  test.each(HOSTS)('is verified whatever its path and Host are: %j', async (host) => {
    const statusOf = async (target: string, key: string) => {
      const lines = [
        `GET ${below(target)} HTTP/1.1`,
        `Host: ${host}`,
        `X-API-Key: ${key}`,
        'Connection: close',
      ];
      return Number((await sendRaw(keyhearth.origin, `${lines.join('\r\n')}\r\n\r\n`)).split(' ')[1]);
    };
    for (const target of CLIENT_TARGETS) {
      expect([target, await statusOf(target, WRONG)]).toEqual([target, 401]);
      expect([target, await statusOf(target, FIRST_KEY)]).toEqual([target, 200]);
    }
  });

  test('is refused where its Host may be that of a page in a local browser', async () => {
    const { send } = await bootstrapped();
    const headers = { Host: 'page.example', 'X-API-Key': FIRST_KEY };
    for (const target of CLIENT_TARGETS) {
      expect((await send({ method: 'POST', path: below(target), headers })).status).toBe(421);
    }
  });

  test('changes nothing, whatever operation its path and method name', async () => {
    const key = FIRST_KEY;
    const calls = [
      { method: 'POST', path: below('/../keys'), body: { label: 'made up' } },
      { method: 'DELETE', path: below('/../keys/1') },
      { method: 'POST', path: below('/../keys/1/deactivate') },
      { method: 'PATCH', path: below('/../keys/1'), body: { label: 'made up' } },
    ];
    for (const call of calls) {
      const { status, json } = await keyhearth.send({ ...call, key });
      expect({ status, json }).toEqual({
        status: 200,
        json: { valid: true, key: { id: 1, label: 'first' } },
      });
    }
    const { json } = await keyhearth.send({ path: '/auth/keys', key });
    expect(json.keys).toMatchObject([{ id: 1, label: 'first', is_active: true }]);
  });

  test('leaves its body unread, and the connection usable', async () => {
    const send = client(keyhearth.origin);
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }, { 'Content-Encoding': 'gzip' }]) {
      const body = 'x'.repeat(200_000);
      for (const key of [FIRST_KEY, WRONG]) {
        const { status } = await send({ method: 'POST', path: below('/upload'), key, headers, body });
        expect(status).toBe(key === FIRST_KEY ? 200 : 401);
      }
      expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
    }
  });

  test('opens no tunnel for CONNECT', async () => {
    for (const target of [below('/'), 'service.test:443']) {
      const answer = await sendRaw(
        keyhearth.origin,
        `CONNECT ${target} HTTP/1.1\r\nHost: a\r\nX-API-Key: ${FIRST_KEY}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).not.toMatch(/^HTTP\/1.1 2/);
    }
  });
});

describe('a body below /auth/verify/', () => {
  test('is not an introspection', async () => {
    const { send } = await bootstrapped();
    const ip = '198.51.100.7';
    const ask = (path: string, key: string) =>
      send({ method: 'POST', path, key: FIRST_KEY, body: { key, ip } });
    for (let i = 0; i < 10; i++) {
      expect((await ask(below('/x'), WRONG)).json).toEqual({ valid: true, key: { id: 1, label: 'first' } });
    }
    // The address has not been counted.
    expect((await ask('/auth/verify', FIRST_KEY)).json).toMatchObject({ code: 'VALID' });
  });

  test('registers no key while the bootstrap is open', async () => {
    const { send } = await service();
    const body = { api_key: FIRST_KEY };
    const answer = await send({ method: 'POST', path: below('/../register-key'), body });
    expect(answer).toMatchObject({ status: 401, json: { code: 'no_api_key_configured' } });
    expect((await send('/auth/bootstrap-status')).json).toMatchObject({ needs_bootstrap: true });
  });
});

test('failures below /auth/verify/ lock an address out with 429, and a query does not change that', async () => {
  const { send } = await bootstrapped();
  const statuses = async (ask: Send, key: string) => {
    const found: number[] = [];
    for (const target of ['/', '/?deny=403', '/x?deny=403', '/../verify?deny=403', '//?deny=403', '/x?x=1']) {
      found.push((await ask({ method: 'POST', path: below(target), key })).status);
    }
    return found;
  };
  expect(await statuses(send, WRONG)).toEqual([401, 401, 401, 401, 401, 429]);
  expect(await statuses(send, FIRST_KEY)).toEqual([429, 429, 429, 429, 429, 429]);
});

test('a refusal below /auth/verify/ is logged by its method and without its path', async () => {
  const { send, log } = await bootstrapped();
  await send({ method: 'POST', path: below('/a/secret?in=it'), key: WRONG });
  expect(log.at(-1)).toMatchObject({ method: 'POST', route: '/auth/verify/*', status: 401 });
  expect(JSON.stringify(log)).not.toContain('secret');
});

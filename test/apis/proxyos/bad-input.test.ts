import { createTRPCClient, httpBatchStreamLink } from '@trpc/client';
import fc from 'fast-check';
import superjson from 'superjson';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProxyosRouter } from '../../../src/apis/proxyos/proxyos-api.ts';
import { FIRST_KEY, type Running, register, startService } from '../../support/keyhearth.ts';
import { CHEAP } from '../../support/keys.ts';
import { LONG } from '../../support/long.ts';
import { ADMIN, administered, PASSWORD } from '../../support/proxyos.ts';

/** Whatever a client sends, the service answers in the form of tRPC, and nothing is an unexpected error. */

let keyhearth: Running;
let cookie: string;
beforeAll(async () => {
  keyhearth = await startService({ config: CHEAP, env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
  await register(keyhearth.send);
  cookie = (await administered(keyhearth, FIRST_KEY)).jar.cookie ?? '';
});
afterAll(() => keyhearth.close());

const QUERIES = ['apiKeys.list', 'users.getProfile', 'users.list', 'publicApi.health', 'routes.list'];
const MUTATIONS = [
  ...['apiKeys.create', 'apiKeys.revoke', 'users.login', 'users.create', 'users.updateRole', 'users.delete'],
  ...['users.setupTotp', 'users.verifyAndEnableTotp', 'users.disableTotp'],
];

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('\0', '\ud800', 'a\0b@example.com', `${'a'.repeat(300)}@example.com`, '__proto__', '-1'),
  fc.jsonValue({ maxDepth: 2 }),
);
const names = ['id', 'userId', 'name', 'scopes', 'email', 'password', 'totpCode', 'role', 'code', 'secret'];
const input = fc.oneof(
  hostile,
  fc.record(Object.fromEntries(names.map((name) => [name, hostile])), { requiredKeys: [] }),
  fc.record({ json: hostile, meta: hostile }),
  fc.record({
    json: fc.record({ id: hostile, name: hostile }),
    meta: fc.record({
      values: fc.constantFrom<object>(
        { id: ['Date'] },
        { id: ['regexp'] },
        { id: ['bigint'] },
        { '__proto__.polluted': ['undefined'] },
        { id: [['class', 'Nothing']] },
        { 'a.b.c': ['map'] },
        ['set'],
      ),
      referentialEqualities: fc.constantFrom<object>(
        { id: ['name', '__proto__.x'] },
        ['a'],
        [[], { a: ['b'] }],
      ),
    }),
  }),
);

test('hostile inputs', async () => {
  const call = fc.record({
    path: fc.constantFrom(...QUERIES, ...MUTATIONS),
    input,
    isSigned: fc.boolean(),
    isBatch: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(call, async ({ path, input: given, isSigned, isBatch }) => {
      const isQuery = QUERIES.includes(path);
      const text = JSON.stringify(isBatch ? { 0: given } : given);
      const query = isQuery ? `input=${encodeURIComponent(text)}` : '';
      const answer = await keyhearth.send({
        method: isQuery ? 'GET' : 'POST',
        path: `/api/trpc/${path}?${isBatch ? 'batch=1&' : ''}${query}`,
        headers: {
          ...(isSigned ? { Cookie: cookie } : { Authorization: `Bearer ${FIRST_KEY}` }),
          ...(!isQuery && { 'Content-Type': 'application/json' }),
        },
        ...(!isQuery && { body: text }),
      });
      expect(answer.status, answer.text).toBeLessThan(500);
      const results = isBatch && Array.isArray(answer.json) ? answer.json : [answer.json];
      for (const { result, error } of results)
        expect(result ?? error.json).toMatchObject(result ? { data: {} } : { code: expect.any(Number) });
    }),
    { numRuns: LONG ? 300 : 60 },
  );
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(keyhearth.log.filter(({ msg }) => msg === 'a request failed')).toEqual([]);
});

test.each<[string, string, Record<string, string>, string]>([
  ['a broken form', 'apiKeys.create', { 'Content-Type': 'multipart/form-data; boundary=x' }, '--y'],
  ['a form without a boundary', 'apiKeys.create', { 'Content-Type': 'multipart/form-data' }, 'x'],
  ['bytes', 'apiKeys.create', { 'Content-Type': 'application/octet-stream' }, 'x'],
  [
    'parameters of a connection',
    'apiKeys.create?connectionParams=%7B',
    { 'Content-Type': 'application/json' },
    '{}',
  ],
  ['a broken escape', 'apiKeys%zz', { 'Content-Type': 'application/json' }, '{}'],
  [
    'a stream without a batch',
    'apiKeys.create',
    { 'Content-Type': 'application/json', 'trpc-accept': 'application/jsonl' },
    '{}',
  ],
  ['a batch that is no object', 'apiKeys.create?batch=1', { 'Content-Type': 'application/json' }, '[1]'],
])('%s is a BAD_REQUEST', async (_, path, headers, body) => {
  const answer = await keyhearth.send({
    method: 'POST',
    path: `/api/trpc/${path}`,
    headers: { ...headers, Authorization: `Bearer ${FIRST_KEY}` },
    body,
  });
  expect(answer.status).toBe(400);
  const [result = answer.json] = Array.isArray(answer.json) ? answer.json : [];
  expect(result.error.json).toMatchObject({ code: -32600, data: { code: 'BAD_REQUEST' } });
  expect(keyhearth.log.filter(({ msg }) => msg === 'a request failed')).toEqual([]);
});

test('mutations of different kinds in one batch are refused as a whole', async () => {
  const path = '/api/trpc/apiKeys.list,apiKeys.revoke?batch=1';
  const answer = await keyhearth.send({ path, headers: { Authorization: `Bearer ${FIRST_KEY}` } });
  expect(answer.status).toBe(400);
  expect(answer.json.error.json.message).toBe('Cannot mix procedure types in call: query, mutation.');
});

test('a client that streams its batches can sign in too', async () => {
  let setCookie: string | null = null;
  const client = createTRPCClient<ProxyosRouter>({
    links: [
      httpBatchStreamLink({
        url: `${keyhearth.origin}/api/trpc`,
        transformer: superjson,
        async fetch(url, init) {
          const answer = await fetch(url, init as RequestInit);
          setCookie = answer.headers.get('set-cookie');
          return answer;
        },
      }),
    ],
  });
  keyhearth.log.length = 0;
  const person = await client.users.login.mutate({ email: ADMIN, password: PASSWORD });
  expect(person).toMatchObject({ requiresTotp: false, email: ADMIN });
  expect(setCookie).toMatch(/^proxyos_token=khs_/);
});

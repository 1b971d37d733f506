import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fastVerify } from '../../../src/apis/core/fast-verify.ts';
import type { Authenticate, Authentication } from '../../../src/auth/authenticate.ts';
import { createRequestLog } from '../../../src/http/request-log.ts';
import { DomainError } from '../../../src/lib/failure.ts';
import { createLogger, type LogSink } from '../../../src/lib/logger.ts';
import type { KeyPrincipal } from '../../../src/lib/principal.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { type Answer, sendRaw } from '../../support/http.ts';
import { bootstrapped, FIRST_KEY, type Running } from '../../support/keyhearth.ts';
import { CHEAP, operator } from '../../support/keys.ts';
import { LONG } from '../../support/long.ts';
import { keyPrincipal } from '../../support/principal.ts';

/** `/auth/verify` is answered before the framework. With any other query, the framework answers it. */
const THROUGH_THE_FRAMEWORK = 'x=1';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

/** Everything that is the same each time, and that Node and the framework write in the same way. */
function comparable({ status, headers, json }: Answer) {
  const { 'x-request-id': requestId, date: _, 'content-length': __, ...others } = headers;
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  return { status, others, json };
}

const key = fc.constantFrom(FIRST_KEY, WRONG, 'short', '', 'two words', `kh_${'a'.repeat(61)}`, '%', 'ü');
const scheme = fc.constantFrom('Bearer ', 'bearer  ', 'BEARER ', 'Basic ', '');
const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const lines = (value: fc.Arbitrary<string>) =>
  fc.oneof(value.map(latin1), fc.array(value.map(latin1), { minLength: 2, maxLength: 2 }));

const credentials = fc
  .record(
    {
      'X-API-Key': lines(key),
      'X-Proxbox-API-Key': lines(key),
      Authorization: lines(fc.tuple(scheme, key).map((parts) => parts.join(''))),
    },
    { requiredKeys: [] },
  )
  .filter((headers) =>
    Object.values(headers)
      .flat()
      .every((value) => !/^\s|\s$/.test(value)),
  );

test.each([
  ['counted', '5'],
  ['not counted', '0'],
])('gives the answer of the framework: attempts %s', async (_, attempts) => {
  // Retry-After must not depend on how long the test takes.
  const options = { clock: fakeClock().clock, env: { KEYHEARTH_LOCKOUT_ATTEMPTS: attempts } };
  const front = await bootstrapped(options);
  const framework = await bootstrapped(options);
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(credentials, fc.boolean(), fc.boolean(), async (headers, denyAs403, isHead) => {
      const deny = denyAs403 ? '?deny=403' : '';
      const rest = `${denyAs403 ? '&' : '?'}${THROUGH_THE_FRAMEWORK}`;
      const path = `/auth/verify${deny}`;
      const method = isHead ? 'HEAD' : 'GET';
      const answers = [
        await front.send({ method, path, headers }),
        await framework.send({ method, path: `${path}${rest}`, headers }),
      ] as const;
      expect(comparable(answers[0])).toEqual(comparable(answers[1]));
      statuses.add(answers[0].status);
    }),
    { numRuns: LONG ? 300 : 60 },
  );
  expect([...statuses]).toEqual(expect.arrayContaining([400, 403]));
  const firstLines = ({ log }: Running) =>
    log
      .filter((line) => line.route === '/auth/verify')
      .slice(0, 5)
      .map(({ time, request_id, ms, ...line }) => line);
  expect(firstLines(front)).toHaveLength(5);
  expect(firstLines(front)).toEqual(firstLines(framework));
});

/** Parts of a query that say the same, nearly the same, or nothing. */
const parameter = fc.constantFrom(
  ...['scope=a', 'scope=a:b', 'scope=b', 'scope=*', 'scope=a:*', 'scope=%61', 'scope=a%3Ab', 'scope=a%3ab'],
  ...[
    's%63ope=b',
    'scope=',
    'scope',
    'scope=A',
    'scope=a+b',
    'scope=a%20b',
    'scope=%',
    'scope=%zz',
    'scope=%ff',
  ],
  ...[
    'scope=a#b',
    'scope=a;b',
    'scope=a?b',
    `scope=${'a'.repeat(100)}`,
    `scope=${'a'.repeat(101)}`,
    'scope=a,b',
  ],
  ...['scope[]=a', 'Scope=b', '__proto__=b', 'scope=%00', '', '=', '=b', '#scope=b', '?scope=b', '+scope=b'],
  ...['deny=403', 'deny=403', 'deny=%34%30%33', 'deny=404', 'deny=', 'deny', 'd%65ny=403', 'Deny=403'],
  ...[`${'scope=a&'.repeat(63)}scope=a`, `${'scope=a&'.repeat(64)}scope=a`, 'constructor=1', 'deny=403#'],
);

test('gives the answer of the framework to every query', async () => {
  const options = { clock: fakeClock().clock, config: CHEAP, env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } };
  const keys = new Map<Running, string>();
  const [front, framework] = [await bootstrapped(options), await bootstrapped(options)];
  for (const each of [front, framework])
    keys.set(each, (await operator(each.send).made({ scopes: ['a', 'a:b'] })).raw_key);
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(parameter, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('GET', 'HEAD'),
      fc.boolean(),
      async (parameters, method, isValid) => {
        const query = parameters.join('&');
        const ask = ({ send }: Running, path: string, key: string) => send({ method, path, key });
        const answers = [
          await ask(front, `/auth/verify?${query}`, isValid ? (keys.get(front) ?? '') : WRONG),
          // In front, since nothing behind a "#" is part of a query.
          await ask(framework, `/auth/verify?x=1&${query}`, isValid ? (keys.get(framework) ?? '') : WRONG),
        ] as const;
        expect(comparable(answers[0]), query).toEqual(comparable(answers[1]));
        statuses.add(answers[0].status);
      },
    ),
    { numRuns: LONG ? 400 : 80 },
  );
  expect([...statuses].sort()).toEqual([200, 400, 401, 403]);
});

test('thousands of different queries get their answers, and change no other', async () => {
  const { send } = await bootstrapped({ config: CHEAP, env: { KEYHEARTH_LOG_LEVEL: 'error' } });
  const { raw_key } = await operator(send).made({ scopes: ['a:*'] });
  const ask = async (scope: string) =>
    (await send({ path: `/auth/verify?scope=${scope}`, key: raw_key })).status;
  for (let i = 0; i < 6_000; i += 50) {
    const scopes = Array.from({ length: 50 }, (_, j) => `${j % 2 === 0 ? 'a' : 'b'}:${i + j}`);
    expect(await Promise.all(scopes.map(ask))).toEqual(scopes.map((scope) => (scope[0] === 'a' ? 200 : 403)));
  }
  expect([await ask('a:0'), await ask('b:1')]).toEqual([200, 403]);
});

test.each([
  '',
  'Host:',
  'Host: a b',
  'Host: a/b',
  'Host: x\r\nHost: y',
  'Host: x:99999',
  'Host: x:80',
  'Host: localhost:80',
  'Host: u@x',
  'Host: [::1]:80',
  'Host: 999.9.9.9',
  'Host: [1]',
  'Host: [:::]',
])('gives the answer of the framework to the header %j', async (host) => {
  const { origin } = await bootstrapped();
  const statusOf = async (path: string) => {
    const lines = [`GET ${path} HTTP/1.1`, host, `X-API-Key: ${FIRST_KEY}`, 'Connection: close', '', ''];
    const answer = await sendRaw(origin, lines.filter((line, i) => line !== '' || i > 3).join('\r\n'));
    return answer.split('\r\n', 1)[0];
  };
  expect(await statusOf('/auth/verify')).toBe(await statusOf(`/auth/verify?${THROUGH_THE_FRAMEWORK}`));
  expect(await statusOf('/auth/verify')).toMatch(/^HTTP\/1.1 (400|421|200)/);
});

test('gives the answer of the framework to an unusual label, to a body and to an inactive key', async () => {
  const answers = async (query: string) => {
    const { send } = await bootstrapped();
    const create = { method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { label: ' größe 🔥 50% ' } };
    const { json } = await send(create);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': '2' };
    return [
      await send({ path: `/auth/verify${query}`, key: json.raw_key }),
      await send({ path: `/auth/verify${query}`, key: json.raw_key, headers, body: '{}' }),
      await send({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY }),
      await send({ path: `/auth/verify${query}`, key: json.raw_key }),
    ]
      .filter((_, i) => i !== 2)
      .map(comparable);
  };
  expect(await answers('')).toEqual(await answers(`?${THROUGH_THE_FRAMEWORK}`));
});

const authenticated: Authentication<KeyPrincipal> = {
  state: 'authenticated',
  principal: keyPrincipal(),
};

/** Each key says what becomes of its request. */
const authenticate: Authenticate<KeyPrincipal> = (_, header) => {
  switch (header('x-api-key')) {
    case 'valid':
      return authenticated;
    case 'valid later':
      return Promise.resolve(authenticated);
    case 'damaged':
      throw new Error('the database is damaged');
    case 'damaged later':
      return Promise.reject(new Error('the database is damaged'));
    case 'busy':
      throw new DomainError({ code: 'database_busy', reason: 'connections', retryAfter: 1 });
    default:
      return { state: 'refused', failure: { code: 'invalid_api_key', remaining: 4 } };
  }
};

/** Sends one request for each key, all in one packet of one connection. @returns what the connection carried back */
async function answersTo(keys: string[], write: LogSink['write']): Promise<string> {
  const client = { address: '127.0.0.1', lockoutKey: undefined, ip: undefined };
  const logger = createLogger('debug', { write });
  const fast = fastVerify(
    authenticate,
    (principal) => ({ state: 'admitted', principal, limits: [] }),
    () => client,
    () => true,
    logger,
    createRequestLog(logger, 100),
  );
  const server = createServer((request, response) => void fast(request, response));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const requests = keys.map((key, i) => {
    const connection = i === keys.length - 1 ? 'close' : 'keep-alive';
    return `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${key}\r\nConnection: ${connection}\r\n\r\n`;
  });
  return sendRaw(`http://127.0.0.1:${port}`, requests.join(''));
}

const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

test('of requests that come together, one that cannot be judged fails alone', async () => {
  for (const damaged of ['damaged', 'damaged later']) {
    const text = await answersTo(['valid', damaged, 'valid'], () => undefined);
    expect(statusesIn(text)).toEqual([200, 500, 200]);
  }
});

test('an error that nobody expects is logged with its stack, and an expected one is not', async () => {
  const log: Record<string, unknown>[] = [];
  const text = await answersTo(['damaged', 'busy'], (line) => void log.push(JSON.parse(line)));
  expect(statusesIn(text)).toEqual([500, 503]);
  expect(log.map(({ level, status, code }) => [level, status, code])).toEqual([
    ['error', undefined, undefined],
    ['info', 500, 'internal_error'],
    ['info', 503, 'database_busy'],
  ]);
  expect(log[0]).toMatchObject({
    request_id: log[1]?.request_id,
    err: { message: 'the database is damaged', stack: expect.stringContaining('fast-verify.test.ts') },
  });
});

describe('where no line of the log can be written', () => {
  const write = () => {
    throw new Error('the disk is full');
  };

  test.each([['damaged'], ['damaged later']])(
    'a request that fails (%s) ends its connection',
    async (key) => {
      expect(statusesIn(await answersTo([key], write))).toEqual([]);
    },
  );

  test.each([['valid'], ['valid later'], ['wrong']])(
    'a request with a %s key gets one answer',
    async (key) => {
      const text = await answersTo([key, key, key], write);
      const status = key === 'wrong' ? 401 : 200;
      expect(statusesIn(text)).toEqual([status, status, status]);
      expect(text.match(/X-Request-Id/g)).toHaveLength(3);
    },
  );
});

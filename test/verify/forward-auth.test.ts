import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { Guard } from '../../src/http/guard.ts';
import { forwardAuth } from '../../src/verify/forward-auth.ts';
import { type Answer, sendRaw } from '../support/http.ts';
import { bootstrapped, FIRST_KEY } from '../support/keyhearth.ts';

/** `/auth/verify` is answered in front of the framework. With any other query, the framework answers it. */
const THROUGH_THE_FRAMEWORK = 'x=1';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';

/** All but what is another each time, and what Node and the framework write in another order or case. */
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
])('says what the framework would say: attempts %s', async (_, attempts) => {
  const options = { env: { KEYHEARTH_LOCKOUT_ATTEMPTS: attempts } };
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
    { numRuns: 300 },
  );
  expect([...statuses]).toEqual(expect.arrayContaining([400, 403]));
  expect(front.log.filter((line) => line.route === '/auth/verify').length).toBeGreaterThan(100);
});

test.each([
  '',
  'Host:',
  'Host: a b',
  'Host: a/b',
  'Host: x\r\nHost: y',
  'Host: x:99999',
  'Host: u@x',
  'Host: [::1]:80',
  'Host: 999.9.9.9',
  'Host: [1]',
  'Host: [:::]',
])('says what the framework would say of the header %j', async (host) => {
  const { origin } = await bootstrapped();
  const statusOf = async (path: string) => {
    const lines = [`GET ${path} HTTP/1.1`, host, `X-API-Key: ${FIRST_KEY}`, 'Connection: close', '', ''];
    const answer = await sendRaw(origin, lines.filter((line, i) => line !== '' || i > 3).join('\r\n'));
    return answer.split('\r\n', 1)[0];
  };
  expect(await statusOf('/auth/verify')).toBe(await statusOf(`/auth/verify?${THROUGH_THE_FRAMEWORK}`));
  expect(await statusOf('/auth/verify')).toMatch(/^HTTP\/1.1 (400|200)/);
});

test('says what the framework would say before there is a key, of an unknown label and of a body', async () => {
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

test('of requests that come together, one that cannot be judged fails alone', async () => {
  const guard: Guard = {
    refuseLocked: () => undefined,
    refuseWrong: () => undefined,
    admit(_, header) {
      if (header('x-api-key') === 'unfit') throw new Error('the database is damaged');
      return { state: 'admitted', key: { id: 1, label: '' } };
    },
  };
  const client = { address: '127.0.0.1', lockoutKey: undefined };
  const front = forwardAuth(guard, () => client, pino({ level: 'silent' }));
  const server = createServer((request, response) => void front(request, response));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ask = (key: string) => `GET /auth/verify HTTP/1.1\r\nHost: a\r\nX-API-Key: ${key}\r\n`;
  const { port } = server.address() as AddressInfo;
  const text = await sendRaw(
    `http://127.0.0.1:${port}`,
    `${ask('fit')}\r\n${ask('unfit')}\r\n${ask('fit')}Connection: close\r\n\r\n`,
  );
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '500', '200']);
});

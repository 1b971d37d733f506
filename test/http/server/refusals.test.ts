import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sendRaw } from '../../support/http.ts';
import { bootstrapped, FIRST_KEY, service } from '../../support/keyhearth.ts';
import { LONG } from '../../support/long.ts';
import { connectRaw } from '../../support/raw.ts';

const WITH_KEY = `X-API-Key: ${FIRST_KEY}`;

describe('gets a problem document with an id, and a line in the log:', () => {
  test.each<[string, string, number, string, string | undefined]>([
    ['what is not HTTP', 'rubbish\r\n\r\n', 400, 'malformed_request', undefined],
    ['a header without a colon', 'GET /health HTTP/1.1\r\nHost\r\n\r\n', 400, 'malformed_request', undefined],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request', undefined],
    [
      'an unknown version',
      'GET /health HTTP/3.7\r\nHost: localhost\r\n\r\n',
      400,
      'malformed_request',
      undefined,
    ],
    [
      'two lengths of one body',
      'POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'malformed_request',
      undefined,
    ],
    [
      'headers that are too large',
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(80_000)}\r\n\r\n`,
      431,
      'request_headers_too_large',
      undefined,
    ],
    [
      'CONNECT',
      'CONNECT other.test:443 HTTP/1.1\r\nHost: localhost\r\n\r\n',
      400,
      'malformed_request',
      'CONNECT',
    ],
    [
      'a target without a path',
      'GET health HTTP/1.1\r\nHost: localhost\r\n\r\n',
      400,
      'malformed_request',
      undefined,
    ],
    [
      'a target with a name',
      'GET http://a@b/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      400,
      'malformed_request',
      'GET',
    ],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'malformed_request', 'OPTIONS'],
    ['a backslash', 'GET /a\\b HTTP/1.1\r\nHost: 1.2.3.400\r\n\r\n', 400, 'malformed_request', 'GET'],
    ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 400, 'malformed_request', 'GET'],
    ['an empty Host', 'GET /health HTTP/1.1\r\nHost:\r\n\r\n', 400, 'malformed_request', 'GET'],
    ['a Host with a name', 'GET /health HTTP/1.1\r\nHost: a@b\r\n\r\n', 400, 'malformed_request', 'GET'],
    ['a Host with a space', 'GET /health HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'malformed_request', 'GET'],
  ])('%s', async (_, bytes, status, code, method) => {
    const { origin, log } = await service();
    const raw = await connectRaw(origin);
    raw.write(bytes);
    const [answer] = await raw.untilAnswers(1);
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status, code });
    const id = answer?.headers['x-request-id'];
    expect(id).toMatch(/^[\da-f-]{36}$/);
    const line = log.find((each) => each.request_id === id);
    expect(line).toMatchObject({ status, code, client: '127.0.0.1' });
    expect(line?.method).toBe(method);
    if (method === undefined || method === 'CONNECT') expect(await raw.closed).toBeUndefined();
  });
});

test('a client behind a trusted proxy is named in the line of a target that is not valid', async () => {
  const { origin, log } = await service({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
  const raw = await connectRaw(origin);
  raw.write('CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n');
  await raw.untilAnswers(1);
  expect(log.at(-1)).toMatchObject({ client: '192.0.2.7', method: 'CONNECT' });
});

test('a Host that is no URL is a 400, and neither it nor the query is in the log', async () => {
  const { origin, log } = await bootstrapped({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
  const lines = (method: string, path: string) =>
    `${method} ${path}?api_key=sentinel HTTP/1.1\r\nHost: 1.2.3.400\r\n${WITH_KEY}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`;
  expect(await sendRaw(origin, lines('POST', '/auth/keys'))).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendRaw(origin, lines('POST', '/health'))).toMatch(/^HTTP\/1\.1 405 /);
  expect(JSON.stringify(log)).not.toMatch(/sentinel|1\.2\.3\.400|"error"/);
});

describe('what cannot be read, behind requests that can', () => {
  test.each([
    [
      'a slow one',
      `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nContent-Length: 0\r\n\r\n`,
      201,
    ],
    ['a quick one', `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\n\r\n`, 200],
  ])('is answered after them: %s', async (_, bytes, status) => {
    const { origin } = await bootstrapped();
    for (const rubbish of ['rubbish\0\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n']) {
      const raw = await connectRaw(origin);
      raw.write(bytes.repeat(3) + rubbish);
      expect(await raw.closed).toBeUndefined();
      expect(raw.answers().map((answer) => answer.status)).toEqual([status, status, status, 400]);
    }
  });

  test('is not answered when the last of them said that it is the last', async () => {
    const { origin } = await bootstrapped();
    const raw = await connectRaw(origin);
    raw.write(
      `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nConnection: close\r\nContent-Length: 0\r\n\r\nrubbish`,
    );
    expect(await raw.closed).toBeUndefined();
    expect(raw.answers().map(({ status }) => status)).toEqual([201]);
  });
});

test('a body that is not what its headers said is refused with a problem document', async () => {
  const { origin } = await bootstrapped();
  const raw = await connectRaw(origin);
  raw.write(
    `POST /auth/keys HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  await sleep(100);
  raw.write('no chunk\r\n');
  expect(await raw.closed).toBeUndefined();
  expect(raw.answers()).toMatchObject([{ status: 400, body: expect.stringContaining('malformed_request') }]);
});

test('a peer that never closes its half after a refusal is let go of', async () => {
  const { origin } = await service();
  const { socket, closed, write } = await connectRaw(origin, { allowHalfOpen: true });
  write('rubbish\r\n\r\n');
  await new Promise((resolve) => socket.once('end', resolve));
  const writing = setInterval(() => write('more'), 50);
  expect(await closed).toMatch(/ECONNRESET|EPIPE/);
  clearInterval(writing);
});

describe('a client that is slow', () => {
  async function answerTo(bytes: string) {
    const { origin } = await bootstrapped();
    const raw = await connectRaw(origin);
    raw.write(bytes);
    const startedAt = performance.now();
    expect(await raw.closed).toBeUndefined();
    return { answers: raw.answers(), seconds: (performance.now() - startedAt) / 1_000 };
  }

  test('to send the headers is refused after 10 seconds', async () => {
    const { answers, seconds } = await answerTo('GET /health HTTP/1.1\r\nHost: local');
    expect(answers).toMatchObject([{ status: 408, body: expect.stringContaining('"request_timeout"') }]);
    expect(seconds).toBeGreaterThan(9.9);
    expect(seconds).toBeLessThan(11);
  });

  test.runIf(LONG).each([
    ['POST /auth/keys', 408],
    // Answered at once, and the connection is kept for the rest of the body.
    ['POST /health', 405],
  ])('to send the body is refused after 30 seconds: %s', async (line, status) => {
    const { answers, seconds } = await answerTo(
      `${line} HTTP/1.1\r\nHost: localhost\r\n${WITH_KEY}\r\nContent-Length: 9\r\n\r\n{`,
    );
    expect(answers.map((answer) => answer.status)).toEqual([status]);
    expect(seconds).toBeGreaterThan(29.9);
    expect(seconds).toBeLessThan(31);
  });

  test.runIf(LONG)('to ask anything gets no answer, and no line in the log', async () => {
    const { origin, log } = await service();
    const raw = await connectRaw(origin);
    expect(await raw.closed).toBeUndefined();
    expect(raw.text()).toBe('');
    expect(log.filter(({ status }) => status !== undefined)).toEqual([]);
  });
});

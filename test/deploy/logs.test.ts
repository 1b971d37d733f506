import { beforeAll, describe, expect, test } from 'vitest';
import { sendRaw } from '../support/http.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { edits } from './edits.ts';
import { isInstalled, proxies } from './proxies.ts';
import { type Stack, startRecorder, startStack } from './stack.ts';

const WRONG_KEY = 'a-wrong-key-that-nobody-has-0123456789';

const WITH_KEY = [
  { 'X-Proxbox-API-Key': FIRST_KEY },
  { 'X-API-Key': FIRST_KEY },
  { Authorization: `Bearer ${FIRST_KEY}` },
  { Authorization: FIRST_KEY },
  { 'X-API-Key': WRONG_KEY },
  { 'X-API-Key': FIRST_KEY, 'X-Proxbox-API-Key': WRONG_KEY },
];

/** Requests that a proxy cannot read. */
const UNREADABLE = [
  `GET / HTTP/1.1\r\nHost: a\r\nX-API-Key : ${FIRST_KEY}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: ${FIRST_KEY}\0\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: ${FIRST_KEY}${'x'.repeat(1_200_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nX-API-Key: ${FIRST_KEY}\r\nConnection: close\r\n\r\n`,
  `GET / HTTP/9.9\r\nHost: a\r\nX-API-Key: ${FIRST_KEY}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: a b\r\nX-API-Key: ${FIRST_KEY}\r\nConnection: close\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: a\r\nX-API-Key: ${FIRST_KEY}\r\nContent-Length: x\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: a\r\nX-API-Key: ${FIRST_KEY}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n`,
];

describe.each(proxies.filter(isInstalled))('$name', (proxy) => {
  let stack: Stack;
  let service: Awaited<ReturnType<typeof startRecorder>>;
  beforeAll(async () => {
    service = await startRecorder();
    stack = await startStack(proxy, edits.writeAccessLog[proxy.name], service);
    return () => stack.close();
  });

  const statuses = async () => {
    const answers = await Promise.all(
      WITH_KEY.map((headers) => stack.newClient()({ path: '/path', headers })),
    );
    return answers.map(({ status }) => status);
  };

  test('writes no key to its log: valid and wrong keys, unreadable requests, the service away, Keyhearth away', async () => {
    expect(await statuses()).toContain(200);
    await Promise.allSettled(UNREADABLE.map((bytes) => sendRaw(stack.origin, bytes)));
    await service.close();
    expect(await statuses()).toContain(proxy.name === 'haproxy' ? 503 : 502);
    await stack.keyhearth.end();
    expect(new Set(await statuses())).toEqual(new Set([proxy.answers.unavailable]));

    const logs = stack.logs();
    expect(logs).toContain('/path');
    for (const key of [FIRST_KEY, WRONG_KEY]) expect(logs.includes(key)).toBe(false);
  });
});

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { clientResolver } from '../../../src/http/client-address.ts';
import { openai } from '../../../src/http/dialects/openai.ts';
import { createRequestLog } from '../../../src/http/request-log.ts';
import { listen } from '../../../src/http/server/listen.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { noWarnings } from '../../support/no-warnings.ts';
import { connectRaw, type Raw } from '../../support/raw.ts';

const STALLED_MS = 300;

/** A server whose answers may take long. @param answer gets each request when its headers are there */
async function connectTo(answer: (response: ServerResponse) => void): Promise<Raw> {
  const logger = createLogger('silent', { write: () => undefined });
  const requestLog = createRequestLog(logger, 100);
  const application = {
    requestLog,
    resolveClient: clientResolver([], noWarnings),
    fast: (_: unknown, response: ServerResponse) => {
      answer(response);
      return true;
    },
    fetch: () => new Response(),
    upgrade: () => undefined,
  };
  const endpoint = { host: '127.0.0.1', port: 0, isShared: false };
  const options = { dialect: openai, requestMs: 0, answersTakeLong: true, stalledMs: STALLED_MS };
  const server = await listen(application, endpoint, logger, options);
  onTestFinished(() => server.stop(0));
  onTestFinished(() => requestLog.close());
  return connectRaw(`http://127.0.0.1:${server.address.port}`);
}

test('an answer may take longer than a client may stand still', async () => {
  const raw = await connectTo((response) => void sleep(4 * STALLED_MS).then(() => response.end('late')));
  raw.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await raw.untilAnswers(1)).toMatchObject([{ status: 200, body: 'late' }]);
});

test('a client that stops in the middle of a body is cut off', async () => {
  const raw = await connectTo((response) => void response.req.resume());
  raw.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nbeginning');
  await raw.closed;
  expect(raw.text()).toBe('');
});

test('a slow client may send a body for longer than that', async () => {
  const raw = await connectTo((response) => {
    response.req.resume().on('end', () => response.end('read'));
  });
  raw.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\n');
  for (let i = 0; i < 8; i++) {
    await sleep(STALLED_MS / 3);
    raw.write('x');
  }
  expect(await raw.untilAnswers(1)).toMatchObject([{ status: 200, body: 'read' }]);
});

test('a client that reads nothing of a long answer is cut off', async () => {
  let cutOff: (() => void) | undefined;
  const isCutOff = new Promise<void>((resolve) => {
    cutOff = resolve;
  });
  const raw = await connectTo((response) => {
    response.once('close', () => cutOff?.());
    response.write(Buffer.alloc(32 * 1024 * 1024));
  });
  raw.socket.pause();
  raw.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await isCutOff;
});

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

test.each([
  ['a request that cannot be read', 'nothing\r\n\r\n'],
  ['the beginning of a request', 'GET / HTTP/1.1\r\n'],
  ['an upgrade', UPGRADE],
  ['an upgrade and what follows it', `${UPGRADE}early`],
  ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'],
  ['more requests than begin at once', `${GET.repeat(20)}nothing\r\n\r\n`],
  ['more requests than begin at once, and an upgrade', GET.repeat(20) + UPGRADE],
])('a client that leaves while this waits for an answer is noticed: %s', async (_, waiting) => {
  const begun: ServerResponse[] = [];
  const left: Promise<unknown>[] = [];
  const raw = await connectTo((response) => {
    begun.push(response);
    left.push(once(response, 'close'));
  });
  raw.write(GET + waiting);
  await expect.poll(() => begun.length).toBeGreaterThan(0);
  raw.socket.end();
  await Promise.all(left);
  await raw.closed;
});

test('a client that stays gets all answers, and then the refusal', async () => {
  const begun: ServerResponse[] = [];
  const raw = await connectTo((response) => void begun.push(response));
  raw.write(`${GET.repeat(20)}nothing\r\n\r\n`);
  for (let i = 0; i < 20; i++) {
    await expect.poll(() => begun[i]).toBeDefined();
    begun[i]?.end('late');
  }
  const answers = await raw.untilAnswers(21);
  expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(200), 400]);
});

test('what cannot be read is refused in the dialect of the server', async () => {
  const raw = await connectTo(() => undefined);
  raw.write('nothing\r\n\r\n');
  const [answer] = await raw.untilAnswers(1);
  expect(answer?.status).toBe(400);
  expect(JSON.parse(answer?.body ?? '').error).toMatchObject({ code: 'malformed_request' });
});

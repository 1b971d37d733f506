import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createApi } from '../../src/apis/create-api.ts';
import { DatabaseBusyError } from '../../src/db/busy.ts';
import { clientResolver } from '../../src/http/client-address.ts';
import { problem } from '../../src/http/dialects/problem.ts';
import { createRequestLog } from '../../src/http/request-log.ts';
import { createRoot } from '../../src/http/root.ts';
import { listen, type RunningServer } from '../../src/http/server/listen.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { DomainError, type Failure } from '../../src/lib/failure.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { createLockout } from '../../src/lockout/lockout.ts';
import { type Answer, client, type Send } from '../support/http.ts';
import { noCookies } from '../support/no-cookies.ts';
import { noUsage } from '../support/no-usage.ts';
import { noWarnings } from '../support/no-warnings.ts';

const log: Record<string, unknown>[] = [];
let thrown: unknown;
let server: RunningServer;
let send: Send;

beforeAll(async () => {
  const logger = createLogger('info', { write: (line) => void log.push(JSON.parse(line)) });
  const lockout = createLockout({ attempts: 5, seconds: 300, by: 'address' }, systemClock);
  const options = {
    paths: ['/throws'],
    authenticators: [],
    dialect: problem,
    bodyLimit: 1_024,
    open: [{ method: 'get', path: '/throws' }],
  };
  const api = createApi(
    options,
    { lockout, usage: noUsage, isAllowedHost: () => true, cookies: noCookies, ownedPaths: [] },
    (router) => {
      router.get('/throws', () => {
        throw thrown;
      });
      return router;
    },
  );
  const requestLog = createRequestLog(logger, 100);
  const resolveClient = clientResolver([], noWarnings);
  const app = createRoot(logger, requestLog, resolveClient).route('/', api);
  const endpoint = { host: '127.0.0.1', port: 0, isShared: false };
  server = await listen({ requestLog, resolveClient, fast: () => false, fetch: app.fetch }, endpoint, logger);
  send = client(`http://127.0.0.1:${server.address.port}`);
});
afterAll(() => server.stop(0));
beforeEach(() => {
  log.length = 0;
});

/** The answer of a route that throws the error. */
function answerTo(error: unknown): Promise<Answer> {
  thrown = error;
  return send('/throws');
}

/** The line of the log that explains a failure to a programmer. The other line is that of the request. */
const explanations = () => log.filter(({ msg }) => msg === 'a request failed');

const STACK = expect.stringContaining('failures.test.ts');

describe('an exception of the framework or of a middleware', () => {
  test.each([
    [400, 'http_error'],
    [403, 'http_error'],
    [404, 'not_found'],
    [415, 'unsupported_media_type'],
    [418, 'http_error'],
    [429, 'http_error'],
    [502, 'http_error'],
    [503, 'http_error'],
  ] as const)('keeps its status: %i', async (status, code) => {
    const answer = await answerTo(new HTTPException(status as ContentfulStatusCode, { message: 'a secret' }));
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ status, code, title: expect.any(String) });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.text).not.toContain('secret');
    expect(log.at(-1)).toMatchObject({ level: 'info', status, code, route: '/throws' });
    expect('retry-after' in answer.headers).toBe(status === 429 || status === 503);
  });

  test.each([400, 403, 418, 429, 499])('is not logged with status %i', async (status) => {
    expect((await answerTo(new HTTPException(status as ContentfulStatusCode))).status).toBe(status);
    expect(explanations()).toEqual([]);
  });

  test.each([500, 501, 502, 504])('is logged with its stack, with status %i', async (status) => {
    const answer = await answerTo(new HTTPException(status as ContentfulStatusCode, { message: 'upstream' }));
    expect(answer.status).toBe(status);
    expect(explanations()).toMatchObject([
      {
        level: 'error',
        request_id: answer.headers['x-request-id'],
        err: { message: 'upstream', stack: STACK },
      },
    ]);
  });
});

describe('a failure that a service throws', () => {
  const failure: Failure = { code: 'database_unavailable', reason: 'unwritable', retryAfter: 30 };

  test('is not logged when it is expected', async () => {
    const answer = await answerTo(new DomainError(failure));
    expect(answer).toMatchObject({ status: 503, json: { code: failure.code } });
    expect(answer.headers['retry-after']).toBe('30');
    expect(log).toEqual([]);
  });

  test('is not logged when it is expected, although it has a cause', async () => {
    const cause = new Error('the connection broke off');
    const answer = await answerTo(
      new DomainError({ code: 'malformed_request', reason: 'target' }, { cause }),
    );
    expect(answer.status).toBe(400);
    expect(explanations()).toEqual([]);
  });

  test('is a 503 when a read met a busy database, and no other code did it again', async () => {
    const answer = await answerTo(new DatabaseBusyError());
    expect(answer).toMatchObject({ status: 503, json: { code: 'database_busy' } });
    expect(answer.headers['retry-after']).toBe('1');
    expect(explanations()).toEqual([]);
  });

  test('is logged with its stack and its cause when it is not expected', async () => {
    const cause = new Error('the disk is full');
    const answer = await answerTo(new DomainError(failure, { cause, isExpected: false }));
    expect(answer).toMatchObject({ status: 503, json: { code: failure.code } });
    expect(answer.text).not.toContain('disk');
    expect(explanations()).toMatchObject([{ level: 'error', err: { type: 'DomainError', stack: STACK } }]);
    expect(JSON.stringify(explanations())).toContain('the disk is full');
  });
});

test('any other error is a 500 that says nothing of itself, and is logged with its stack', async () => {
  const answer = await answerTo(new TypeError('undefined is not a function'));
  expect(answer).toMatchObject({ status: 500, json: { code: 'internal_error' } });
  expect(answer.text).not.toContain('undefined');
  expect(explanations()).toMatchObject([
    { level: 'error', err: { type: 'TypeError', message: 'undefined is not a function', stack: STACK } },
  ]);
});

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Client, ResolveClient } from '../http/client-address.ts';
import { headersOf, type Principal } from '../http/env.ts';
import type { Admission, Guard } from '../http/guard.ts';
import { explain, renderProblem } from '../http/problem.ts';
import { logAnswer } from '../http/request-log.ts';
import type { Problem } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { remembering } from '../lib/remembering.ts';
import { deniedAs403, identityHeaders, verifiedText } from './present.ts';
import { VERIFY_PATH } from './routes.ts';

type Answer = { status: number; headers: string[]; body: string; encoding: 'latin1' | 'utf8' };

/** A request on its way to its answer. */
type Exchange = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  /** `performance.now()` when it arrived. */
  start: number;
  requestId: string;
  client: Client;
}>;

const NAMED_HOST = /^[\w.-]+(?::[1-5]?\d{1,4})?$/;
const IPV6_HOST = /^\[([\da-f:]+)\](?::[1-5]?\d{1,4})?$/i;

/** Whether any other Host is valid is for the framework to say. */
const isPlainHost = (host = '') => NAMED_HOST.test(host) || isIPv6(IPV6_HOST.exec(host)?.[1] ?? '');

/**
 * Answers `GET` and `HEAD` of `/auth/verify` in front of the framework, whose way from socket to answer takes several
 * times as long as all that is decided here. It takes the two forms of the target that proxies are told to use; false
 * for any other request. Whatever it says, `routes.ts` would say too: test/verify/forward-auth.test.ts compares them.
 */
export function forwardAuth(guard: Guard, resolveClient: ResolveClient, logger: Logger) {
  // Few refusals differ. What was said of each key is not kept: to find it again takes longer than to say it again.
  const rendered = remembering(renderRefusal);

  function refused(problem: Problem, requestId: string): Answer {
    const { status, headers, body, encoding } = rendered(problem);
    return { status, headers: ['X-Request-Id', requestId, ...headers], body, encoding };
  }

  function answer({ request, response, start, requestId, client }: Exchange, admission: Admission): void {
    const isAdmitted = admission.state === 'admitted';
    const { status, headers, body, encoding } = isAdmitted
      ? verified(admission.key, requestId)
      : refused(admission.problem, requestId);
    const told = request.url === VERIFY_PATH ? status : deniedAs403(status);
    response.writeHead(told, headers).end(body, encoding);
    logAnswer(logger, isAdmitted ? 'debug' : 'info', start, {
      request_id: requestId,
      method: request.method ?? '',
      route: VERIFY_PATH,
      status: told,
      code: isAdmitted ? undefined : admission.problem.code,
      client: client.address,
      key_id: isAdmitted ? admission.key.id : undefined,
    });
  }

  const fail = (exchange: Exchange, error: unknown) =>
    answer(exchange, { state: 'refused', problem: explain(error, logger, exchange.requestId) });

  async function answerLater(exchange: Exchange, admission: Promise<Admission>): Promise<void> {
    try {
      answer(exchange, await admission);
    } catch (error) {
      fail(exchange, error);
    }
  }

  function decide({ request, client }: Exchange): MaybePromise<Admission> {
    const problem = guard.refuseLocked(client);
    return problem ? { state: 'refused', problem } : guard.admit(client, headersOf(request));
  }

  function conclude(exchange: Exchange): void {
    try {
      const admission = decide(exchange);
      if (admission instanceof Promise) void answerLater(exchange, admission);
      else answer(exchange, admission);
    } catch (error) {
      fail(exchange, error);
    }
  }

  // All that arrives in one turn of the event loop is concluded at its end. One look at the database is then enough for
  // all of it, and younger than any of it.
  let arrived: Exchange[] = [];

  function concludeAll(): void {
    const exchanges = arrived;
    arrived = [];
    for (const exchange of exchanges) conclude(exchange);
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { method, url, headers } = request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (!isPlainHost(headers.host)) return false;
    if (url !== VERIFY_PATH && url !== `${VERIFY_PATH}?deny=403`) return false;
    if (arrived.length === 0) setImmediate(concludeAll);
    arrived.push({
      request,
      response,
      start: performance.now(),
      requestId: randomUUID(),
      client: resolveClient(request.socket.remoteAddress, headersOf(request)('x-forwarded-for')),
    });
    return true;
  };
}

function verified(key: Principal, requestId: string): Answer {
  const identity = identityHeaders(key);
  const body = verifiedText(key);
  const length = Buffer.byteLength(body);
  return {
    status: 200,
    headers: [
      'X-Request-Id',
      requestId,
      'X-Content-Type-Options',
      'nosniff',
      'Content-Type',
      'application/json',
      'Cache-Control',
      'no-store',
      'X-Keyhearth-Key-Id',
      identity['X-Keyhearth-Key-Id'],
      'X-Keyhearth-Label',
      identity['X-Keyhearth-Label'],
      'Content-Length',
      String(length),
    ],
    body,
    encoding: encodingOf(body, length),
  };
}

function renderRefusal(problem: Problem): Answer {
  const { status, headers, body } = renderProblem(problem);
  const length = Buffer.byteLength(body);
  const all = { 'X-Content-Type-Options': 'nosniff', ...headers, 'Content-Length': String(length) };
  return { status, headers: Object.entries(all).flat(), body, encoding: encodingOf(body, length) };
}

/** Text without a character beyond ASCII is written in half the time when Node is told so. */
const encodingOf = (text: string, bytes: number) => (bytes === text.length ? 'latin1' : 'utf8');

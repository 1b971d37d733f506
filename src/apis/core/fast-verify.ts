import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Admission, Admit } from '../../auth/admit.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { HostCheck } from '../../http/allowed-host.ts';
import type { Client, ResolveClient } from '../../http/client-address.ts';
import { headerReader } from '../../http/context.ts';
import { failureOf } from '../../http/failures.ts';
import type { RequestLog } from '../../http/request-log.ts';
import type { Logger } from '../../lib/logger.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { memoize } from '../../lib/memoize.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import { refused, verified } from './fast-answers.ts';
import { VERIFY_PATH } from './verify-routes.ts';
import { parseQuestion, plainQuestion, type Question } from './verify-target.ts';

/** A request that has no answer yet. */
type Exchange = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  /** `performance.now()` when it arrived. */
  start: number;
  requestId: string;
  client: Client;
  question: Question;
}>;

const NAMED_HOST = /^[\w.-]+(?::[1-5]?\d{1,4})?$/;
const IPV6_HOST = /^\[([\da-f:]+)\](?::[1-5]?\d{1,4})?$/i;

/** The framework decides about any other Host. */
const isPlainHost = (host = '') => NAMED_HOST.test(host) || isIPv6(IPV6_HOST.exec(host)?.[1] ?? '');

/** Anybody can send a longer query, and none is needed. */
const MAX_REMEMBERED_QUERY = 200;

const VERIFY_QUERY = `${VERIFY_PATH}?`;

/** The route of every path below `/auth/verify/` in the log. */
const BELOW_VERIFY_PATH = `${VERIFY_PATH}/*`;

/** A proxy is configured with a few targets, and parsing one takes longer than the verification. */
const parsed = memoize(
  (query: string) => ({ question: parseQuestion(query) }),
  (query) => query.length <= MAX_REMEMBERED_QUERY,
);

/**
 * Envoy appends its client's path and query to the path that it is configured with, and keeps the client's method. The
 * target is compared as it was sent: the framework would resolve `/auth/verify/../bootstrap-status` to an open route.
 */
const isAppended = (request: IncomingMessage) =>
  request.url?.startsWith(`${VERIFY_PATH}/`) === true && !isMisaddressed(request);

/**
 * `POST /auth/verify` with a slash too many. This must not answer that the key of the service itself is valid. Envoy sends
 * no Content-Type.
 */
const isMisaddressed = ({ method, url, headers }: IncomingMessage) =>
  method === 'POST' && url === `${VERIFY_PATH}/` && headers['content-type'] !== undefined;

/** The question of a request that this handler takes; undefined for any other request. */
function usualQuestion(request: IncomingMessage): Question | undefined {
  const { method, url = '', headers } = request;
  if (isAppended(request)) return plainQuestion;
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  if (!isPlainHost(headers.host)) return undefined;
  if (url === VERIFY_PATH) return plainQuestion;
  return url.startsWith(VERIFY_QUERY) ? parsed(url.slice(VERIFY_QUERY.length)).question : undefined;
}

/**
 * Answers `GET` and `HEAD` of `/auth/verify` before the framework, whose own work takes several times as long as the
 * verification. It takes every valid query. `verify-routes.ts` would give the same answers:
 * test/apis/core/fast-verify.test.ts compares them.
 *
 * It also takes every request below `/auth/verify/`, whatever its method, Host, query and body: see `isAppended`.
 * @returns a handler that says whether it takes a request
 */
export function fastVerify(
  authenticate: Authenticate<KeyPrincipal>,
  admit: Admit,
  resolveClient: ResolveClient,
  isAllowedHost: HostCheck,
  logger: Logger,
  log: RequestLog,
) {
  function answer(exchange: Exchange, result: Admission): void {
    const { request, response, start, requestId, client, question } = exchange;
    const isValid = result.state === 'admitted';
    const { status, headers, body, encoding } = isValid
      ? verified(result.principal, requestId, result.limits)
      : refused(result.failure, requestId, question.denyAs403);
    response.writeHead(status, headers).end(body, encoding);
    const answered = {
      request_id: requestId,
      method: request.method,
      route: isAppended(request) ? BELOW_VERIFY_PATH : VERIFY_PATH,
      status,
      code: isValid ? undefined : result.failure.code,
      client: client.address,
      key_id: isValid ? result.principal.id : undefined,
    };
    log.answered(answered, start, isValid ? 'debug' : 'info', request);
  }

  const failed = ({ requestId }: Exchange, error: unknown): Admission => ({
    state: 'refused',
    failure: failureOf(error, logger, requestId),
  });

  async function answerLater(exchange: Exchange, result: Promise<Admission>): Promise<void> {
    try {
      answer(exchange, await result.catch((error: unknown) => failed(exchange, error)));
    } catch {
      abandon(exchange);
    }
  }

  function verify({ request, client, question }: Exchange): MaybePromise<Admission> {
    if (!isAllowedHost(request.socket.remoteAddress, request.headers.host))
      return { state: 'refused', failure: { code: 'misdirected_request' } };
    return andThen(authenticate(client, headerReader(request), request.socket), (authentication) =>
      authentication.state === 'refused' ? authentication : admit(authentication.principal, question.scopes),
    );
  }

  function verifyOrFail(exchange: Exchange): MaybePromise<Admission> {
    try {
      return verify(exchange);
    } catch (error) {
      return failed(exchange, error);
    }
  }

  function verifyAndAnswer(exchange: Exchange): void {
    try {
      const result = verifyOrFail(exchange);
      if (result instanceof Promise) void answerLater(exchange, result);
      else answer(exchange, result);
    } catch {
      abandon(exchange);
    }
  }

  // Requests of one turn of the event loop are verified at its end. One check of the database serves all of them, and it
  // is made after all of them have arrived.
  let arrived: Exchange[] = [];

  function verifyArrived(): void {
    const exchanges = arrived;
    arrived = [];
    for (const exchange of exchanges) verifyAndAnswer(exchange);
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const question = usualQuestion(request);
    if (!question) return false;
    if (arrived.length === 0) setImmediate(verifyArrived);
    arrived.push({
      request,
      response,
      start: performance.now(),
      requestId: randomUUID(),
      question,
      client: resolveClient({
        peer: request.socket.remoteAddress,
        forwardedFor: headerReader(request)('x-forwarded-for'),
      }),
    });
    return true;
  };
}

/** Only the log can fail here. A request that has no answer yet loses its connection. */
function abandon({ response }: Exchange): void {
  if (!response.writableEnded) response.destroy();
}

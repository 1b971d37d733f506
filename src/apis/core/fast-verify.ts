import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Admission, Admit } from '../../auth/admit.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { HostCheck } from '../../http/allowed-host.ts';
import type { Client, ResolveClient } from '../../http/client-address.ts';
import { headerReader } from '../../http/context.ts';
import type { Dialect } from '../../http/dialect.ts';
import { problem } from '../../http/dialects/problem.ts';
import { failureOf } from '../../http/failures.ts';
import { rateLimitHeaders } from '../../http/rate-limit-headers.ts';
import type { RequestLog } from '../../http/request-log.ts';
import { NO_STORE, SECURITY_HEADERS } from '../../http/security-headers.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Logger } from '../../lib/logger.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { memoize } from '../../lib/memoize.ts';
import type { Principal } from '../../lib/principal.ts';
import type { LimitState } from '../../lib/rate-limit.ts';
import { identityHeaders, problemAs403, verifiedText } from './verified-answer.ts';
import { VERIFY_PATH } from './verify-routes.ts';
import { parseQuestion, plainQuestion, type Question } from './verify-target.ts';

type Answer = { status: number; headers: string[]; body: string; encoding: 'latin1' | 'utf8' };

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
  authenticate: Authenticate,
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
      : refused(result.failure, requestId, question.denyAs403 ? renderedAs403 : rendered);
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
    log.answered(answered, start, isValid ? 'debug' : 'info');
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
    return andThen(authenticate(client, headerReader(request)), (authentication) =>
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

/** What the answers to one key have in common. */
type Identity = Readonly<{ headers: ReturnType<typeof identityHeaders>; length: string }> &
  Pick<Answer, 'body' | 'encoding'>;

const identities = new WeakMap<Principal, Identity>();

function identityOf(principal: Principal): Identity {
  const known = identities.get(principal);
  if (known) return known;
  const body = verifiedText(principal);
  const length = Buffer.byteLength(body);
  const headers = identityHeaders(principal);
  const identity: Identity = { headers, body, length: String(length), encoding: encodingOf(body, length) };
  identities.set(principal, identity);
  return identity;
}

/** One literal is the fastest way to make the headers. */
function verified(principal: Principal, requestId: string, limits: readonly LimitState[]): Answer {
  const { headers: identity, body, length, encoding } = identityOf(principal);
  const headers = [
    'X-Request-Id',
    requestId,
    'X-Content-Type-Options',
    SECURITY_HEADERS['X-Content-Type-Options'],
    'Cache-Control',
    NO_STORE['Cache-Control'],
    'Content-Type',
    'application/json',
    'X-Keyhearth-Key-Id',
    identity['X-Keyhearth-Key-Id'],
    'X-Keyhearth-Label',
    identity['X-Keyhearth-Label'],
    'X-Keyhearth-Owner',
    identity['X-Keyhearth-Owner'],
    'X-Keyhearth-Scopes',
    identity['X-Keyhearth-Scopes'],
    'Content-Length',
    length,
  ];
  if (limits.length > 0) headers.push(...Object.entries(rateLimitHeaders(limits)).flat());
  return { status: 200, headers, body, encoding };
}

/** There are few different refusals. To render one takes five times as long as to find it in the cache. */
const renderer = (dialect: Dialect) =>
  memoize(
    (failure: string): Answer => {
      const { status, headers, body } = dialect(JSON.parse(failure));
      const length = Buffer.byteLength(body);
      return {
        status,
        headers: Object.entries({ ...headers, 'Content-Length': String(length) }).flat(),
        body,
        encoding: encodingOf(body, length),
      };
    },
    // The numbers of a rate limit change all the time, and a client can ask for very many lists of scopes.
    (failure) => !failure.startsWith(RATE_LIMITED) && failure.length <= MAX_REMEMBERED_FAILURE,
  );

const MAX_REMEMBERED_FAILURE = 300;

const RATE_LIMITED = '{"code":"rate_limited"';

const rendered = renderer(problem);
const renderedAs403 = renderer(problemAs403);

function refused(failure: Failure, requestId: string, render: typeof rendered): Answer {
  const { status, headers, body, encoding } = render(JSON.stringify(failure));
  return { status, headers: ['X-Request-Id', requestId, ...headers], body, encoding };
}

/** Node writes text in half the time when it knows that all characters are ASCII. */
const encodingOf = (text: string, bytes: number) => (bytes === text.length ? 'latin1' : 'utf8');

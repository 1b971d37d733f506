import { type Dispatcher, errors } from 'undici';
import { errorCode } from '../../lib/error-code.ts';
import { DomainError, type Failure } from '../../lib/failure.ts';
import type { UpstreamAgent } from '../../upstreams/agent.ts';
import type { Credential } from '../../upstreams/credential.ts';
import { isSendable, leadsAway, requestHeaders, responseHeaders } from '../../upstreams/headers.ts';
import { type Target, upstreamPath } from '../../upstreams/target.ts';
import type { Upstreams } from '../../upstreams/upstreams.ts';
import { commonHeaders, type Exchange, fail } from './exchange.ts';
import type { RequestBody } from './request-body.ts';
import { asksModel } from './routes.ts';
import type { TokenReader } from './usage.ts';

type DispatchBody = Exclude<Dispatcher.DispatchOptions['body'], undefined>;

/** What to send, and the credentials that may be used for it. */
export type Order = Readonly<{
  pool: readonly Credential[];
  target: Target;
  body: RequestBody;
  /** The prefix to remove from the model in the body. */
  prefix: string | null;
}>;

/** What is known when an answer has ended. */
export type Outcome = Readonly<{ isFailure: boolean; reader: TokenReader | undefined }>;

export type ForwardParts = Readonly<{
  agent: Pick<UpstreamAgent, 'dispatch'>;
  upstreams: Pick<Upstreams, 'take' | 'rest'>;
  createTokenReader: (contentType: string | undefined) => TokenReader | undefined;
}>;

/** Passes requests on, and their answers back, without holding them in memory. */
export function createForward({ agent, upstreams, createTokenReader }: ForwardParts) {
  return function forward(exchange: Exchange, order: Order, onEnd: (outcome: Outcome) => void): void {
    const { request, response } = exchange;
    const { pool, target, body, prefix } = order;
    const tried: Credential[] = [];

    /** Sends the request with the next credential. */
    function send(credential: Credential): void {
      exchange.upstream = credential.name;
      tried.push(credential);
      agent.dispatch(
        {
          origin: credential.origin,
          path: upstreamPath(credential, target),
          method: request.method as Dispatcher.HttpMethod,
          headers: headersFor(credential),
          body: body.content(prefix) as DispatchBody,
        },
        createHandler(credential),
      );
    }

    function headersFor(credential: Credential): string[] {
      const headers = requestHeaders(request.headers, credential);
      if (body.length !== undefined) headers.push('content-length', String(body.length - body.cut(prefix)));
      return headers;
    }

    function createHandler(credential: Credential): Dispatcher.DispatchHandler {
      let controller: Dispatcher.DispatchController | undefined;
      let reader: TokenReader | undefined;
      let isFailure = true;
      let hasLeft = false;

      function leave(): void {
        hasLeft = true;
        if (!response.writableFinished) controller?.abort(new Error('the client went away'));
      }
      const resume = () => controller?.resume();
      response.once('close', leave);

      function finish(): void {
        response.off('close', leave).off('drain', resume);
        onEnd({ isFailure, reader });
      }

      return {
        onRequestStart(started) {
          controller = started;
          if (hasLeft) started.abort(new Error('the client went away'));
        },

        onResponseStart(_, status, headers) {
          if (status < 200) return;
          const { 'retry-after': retryAfter } = headers;
          if (status === 429)
            upstreams.rest(credential, { kind: 'limited', retryAfter: retryAfter?.toString() });
          if (status === 401) {
            // Some paths need rights that a good credential does not have.
            if (asksModel(target, request.method)) upstreams.rest(credential, { kind: 'refused' });
            throw new DomainError({ code: 'upstream_credential_refused' });
          }
          if (leadsAway(status, headers, credential)) throw new DomainError({ code: 'upstream_redirected' });
          isFailure = status >= 400;
          reader = isFailure ? undefined : createTokenReader(headers['content-type']?.toString());
          // They have no body, and a length would let the client wait for one.
          const isBare = status === 204 || status === 304;
          const list = responseHeaders(
            isBare ? { ...headers, 'content-length': undefined } : headers,
            credential,
          );
          list.push('X-Keyhearth-Request-Id', exchange.requestId, ...commonHeaders(exchange));
          response.writeHead(status, list);
          response.on('drain', resume);
          // A client waits for the beginning of a stream. A body with a length is in the same packet, or follows soon.
          if (headers['content-length'] === undefined) response.flushHeaders();
        },

        onResponseData(started, chunk) {
          reader?.push(chunk);
          if (!response.write(chunk)) started.pause();
        },

        onResponseEnd() {
          response.end();
          finish();
        },

        onResponseError(_, error) {
          isFailure = true;
          const isUnsent = controller === undefined && !hasLeft;
          const isUnsendable = isInvalid(error) && !isSendable(credential);
          const mayTryAnother = isUnsent && (isUnsendable || !isInvalid(error));
          const next = mayTryAnother ? nextAfter(credential, isUnsendable) : undefined;
          response.off('close', leave).off('drain', resume);
          if (next) return send(next);
          finish();
          if (hasLeft) return;
          if (isUnsendable) fail(exchange, { code: 'upstream_credential_refused' });
          else fail(exchange, failureOf(error, controller !== undefined));
        },
      };
    }

    /** Nothing was sent, so another credential may be tried, unless it is for the same host. */
    function nextAfter(credential: Credential, isUnsendable: boolean): Credential | undefined {
      upstreams.rest(credential, { kind: isUnsendable ? 'refused' : 'unreachable' });
      return upstreams.take(pool, tried);
    }

    const first = upstreams.take(pool);
    if (first) send(first);
    else fail(exchange, { code: 'no_upstream' });
  };
}

/** The HTTP client refuses to send it, for example because of a character in a header. */
const isInvalid = (error: Error) => errorCode(error) === 'UND_ERR_INVALID_ARG';

function failureOf(error: Error, isSent: boolean): Failure {
  if (error instanceof DomainError) return error.failure;
  if (isInvalid(error)) return { code: 'malformed_request', reason: 'not_http' };
  if (error instanceof errors.HTTPParserError) return { code: 'upstream_invalid_answer' };
  switch (errorCode(error)) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { code: 'upstream_connect_timeout' };
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { code: 'upstream_timeout' };
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_HEADERS_OVERFLOW':
      return { code: 'upstream_invalid_answer' };
    default:
      return { code: isSent ? 'upstream_connection_lost' : 'upstream_unreachable' };
  }
}

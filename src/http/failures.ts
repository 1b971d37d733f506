import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { errorCode } from '../lib/error-code.ts';
import { DomainError, type Failure } from '../lib/failure.ts';
import type { Logger } from '../lib/logger.ts';
import type { HttpContext } from './context.ts';

/** Turns an error of a route or a middleware into a failure. Logs an unexpected error with its stack. */
export function failureOf(error: unknown, logger: Logger, requestId: string): Failure {
  const { failure, isExpected } = classify(error);
  if (!isExpected) logger.error({ request_id: requestId, err: error }, 'a request failed');
  return failure;
}

/** The failure that an error means, and whether it is part of normal operation. */
export function classify(error: unknown): { failure: Failure; isExpected: boolean } {
  if (error instanceof DomainError) return error;
  if (isInvalidUrl(error))
    return { failure: { code: 'malformed_request', reason: 'target' }, isExpected: true };
  if (isOutOfDescriptors(error))
    return { failure: { code: 'overloaded', reason: 'descriptors', retryAfter: 5 }, isExpected: true };
  if (error instanceof HTTPException && error.status >= 400) {
    return { failure: failureOfException(error), isExpected: error.status < 500 };
  }
  return { failure: { code: 'internal_error' }, isExpected: false };
}

/** Fetch cannot parse some targets and Hosts that Node accepts. Its error repeats the URL, so it is not logged. */
const isInvalidUrl = (error: unknown) =>
  error instanceof TypeError && (errorCode(error) ?? errorCode(error.cause)) === 'ERR_INVALID_URL';

/** The process, or the machine, has no free file descriptor. */
const isOutOfDescriptors = (error: unknown) => ['EMFILE', 'ENFILE'].includes(errorCode(error) ?? '');

/** An exception of the framework or of a middleware keeps its status. Its message is dropped: it may repeat the request. */
function failureOfException({ status, message }: HTTPException): Failure {
  // The text of Hono's validator for a body that is not JSON.
  if (status === 400 && message.startsWith('Malformed JSON'))
    return { code: 'malformed_request', reason: 'body_not_json' };
  if (status === 404) return { code: 'not_found' };
  if (status === 415) return { code: 'unsupported_media_type', reason: 'not_json' };
  return { code: 'http_error', status };
}

/** Answers in the dialect of the request, and keeps the code for the log. */
export function sendFailure(c: HttpContext, failure: Failure): Response {
  const { dialect } = c.var;
  if (!dialect) throw new Error('a request failed before it reached an API');
  c.set('failureCode', failure.code);
  const { status, headers, body } = dialect(failure);
  return c.body(body, status as ContentfulStatusCode, headers);
}

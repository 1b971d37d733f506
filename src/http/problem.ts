import { STATUS_CODES } from 'node:http';
import { HTTPException } from 'hono/http-exception';
import { DomainError, type Problem, statusOfCode } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { HttpContext } from './env.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** RFC 6750, section 3: a token that was presented and refused is named so; one that is merely absent is not. */
function challengeOf(problem: Problem): string {
  return problem.code === 'invalid_api_key'
    ? 'Bearer realm="keyhearth", error="invalid_token"'
    : 'Bearer realm="keyhearth"';
}

/** A refusal on the wire: an RFC 9457 document, and the headers that its status calls for. */
export function renderProblem(problem: Problem) {
  const status = statusOfCode[problem.code];
  const headers: Record<string, string> = { 'Content-Type': PROBLEM_TYPE, 'Cache-Control': 'no-store' };
  if (status === 401) headers['WWW-Authenticate'] = challengeOf(problem);
  if (problem.retryAfter !== undefined) headers['Retry-After'] = String(problem.retryAfter);
  if (problem.allow) headers.Allow = problem.allow.join(', ');
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail: problem.detail,
    code: problem.code,
    ...(problem.errors && { errors: problem.errors }),
  });
  return { status, headers, body };
}

export function problemResponse(c: HttpContext, problem: Problem): Response {
  c.set('refusal', problem.code);
  const { status, headers, body } = renderProblem(problem);
  return c.body(body, status, headers);
}

/** What was thrown as a refusal, or undefined when it is a fault of ours. */
function problemOf(error: unknown): Problem | undefined {
  if (error instanceof DomainError) return error.problem;
  if (!(error instanceof HTTPException)) return undefined;
  if (error.status === 415) {
    return {
      code: 'unsupported_media_type',
      detail: 'The request body must be JSON: send the header Content-Type: application/json.',
      errors: [{ path: 'Content-Type', message: 'must be application/json' }],
    };
  }
  if (error.status === 400) {
    return {
      code: 'malformed_request',
      detail: 'The request body is not valid JSON.',
      errors: [{ path: '', message: 'is not valid JSON' }],
    };
  }
  return undefined;
}

/** How a failure is told. What only a programmer can mend is logged with its stack. */
export function explain(error: unknown, logger: Logger, requestId: string): Problem {
  const problem = problemOf(error);
  const isExpected = problem && error instanceof Error && error.cause === undefined;
  if (!isExpected) logger.error({ request_id: requestId, err: error }, 'a request failed');
  return problem ?? internalError;
}

export const internalError: Problem = {
  code: 'internal_error',
  detail: 'Something went wrong here. The log tells more under the id in the X-Request-Id header.',
};

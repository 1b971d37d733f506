import { hc } from 'hono/client';
import type { AppType } from '../../../src/app.ts';
import { ORIGIN } from './base.ts';
import { account, isSessionOver, needsTwoFactor, signInAgain } from './session.ts';

export type FieldError = { path: string; message: string };

/** An answer that is no success, or no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly FieldError[];
  /** Seconds until the same request can succeed. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    { status, code, errors = [], retryAfter }: Pick<ApiError, 'status' | 'code'> & Partial<ApiError>,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

const isRead = (method: string | undefined) => method === undefined || method === 'GET';

/**
 * Sends a request. When the session is over, it asks for the password and then sends the request again: the service has
 * refused the first one, so nothing happens twice. After a lost connection it repeats nothing.
 */
const send: typeof fetch = async (input, init) => {
  const sender = account.value?.id;
  const answer = await sendOnce(input, init, sender);
  assertSame(sender);
  if (!(await isSessionOver(answer))) return answer;
  await signInAgain();
  assertSame(sender);
  return sendOnce(input, init, sender);
};

/** What one account asked for must not appear to another one, nor be done for it. */
function assertSame(sender: string | undefined): void {
  if (sender === undefined || account.value?.id === sender) return;
  throw new ApiError('You signed out. Check whether the last change was made.', {
    status: 0,
    code: 'signed_out',
  });
}

/** @param sender the account that the page shows; the service refuses the session of another one */
async function sendOnce(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  sender: string | undefined,
): Promise<Response> {
  const headers = new Headers(init?.headers);
  if (sender !== undefined) headers.set('X-Keyhearth-Account', sender);
  try {
    return await fetch(input, { ...init, headers, credentials: 'same-origin', cache: 'no-store' });
  } catch {
    throw new ApiError(
      isRead(init?.method)
        ? 'The service cannot be reached. Check your connection and try again.'
        : 'The connection was lost, so it is not known whether the change was made. Check before you try again.',
      { status: 0, code: 'unreachable' },
    );
  }
}

/** The typed client of the core API. */
export const api = hc<AppType>(ORIGIN, { fetch: send });

type Answer = Pick<Response, 'ok' | 'status' | 'headers'> & { json(): Promise<unknown> };
type Success<A> = A extends { ok: true; json(): Promise<infer Body> } ? Body : never;

/** The body of a successful answer. @throws ApiError for any other answer */
export async function body<A extends Answer>(answer: Promise<A>): Promise<Success<A>> {
  const got = await answer;
  if (!got.ok) throw await errorOf(got);
  return (got.status === 204 ? undefined : await got.json()) as Success<A>;
}

/** @throws ApiError when the answer is no success */
export async function done(answer: Promise<Answer>): Promise<void> {
  const got = await answer;
  if (!got.ok) throw await errorOf(got);
}

export async function errorOf(answer: Answer): Promise<ApiError> {
  const problem = (await answer.json().catch(() => ({}))) as Partial<{
    detail: string;
    code: string;
    errors: FieldError[];
  }>;
  if (problem.code === 'two_factor_setup_required') needsTwoFactor.value = true;
  const retryAfter = Number(answer.headers.get('Retry-After')) || undefined;
  return new ApiError(problem.detail ?? `The service answered with status ${answer.status}.`, {
    status: answer.status,
    code: problem.code ?? 'unknown',
    errors: problem.errors ?? [],
    retryAfter,
  });
}

import { type CallError, failed, type ProblemError, type Result } from './result.ts';

/** Sends requests to Keyhearth: time-out, abort, and repetition after 503. */

export type Call = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Without a slash in front. */
  path: string;
  body?: object | undefined;
  query?: Readonly<Record<string, string | number | undefined>> | undefined;
  /** Whether a repetition changes nothing more. */
  isSafe: boolean;
  signal?: AbortSignal | undefined;
};

export type Connection = {
  /** Ends with a slash. */
  base: URL;
  key: string | undefined;
  timeoutMs: number;
  retries: number;
  fetch: typeof fetch;
  /** Waits, and ends at once when the signal aborts. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** With these codes, a refused change has certainly not happened. */
const NOTHING_HAPPENED = new Set(['overloaded', 'stopping', 'database_busy']);
/** For a 503 of a proxy, which may not say it. */
const USUAL_WAIT_S = 1;

/** @returns an answer that is not a 503, or the last 503 when there is no time for another attempt */
export async function send<Data>(connection: Connection, call: Call): Promise<Result<Data>> {
  const { timeoutMs, retries } = connection;
  const begin = performance.now();
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
  const left = () => timeoutMs - (performance.now() - begin);
  for (let attempt = 0; ; attempt++) {
    const result = await sendOnce<Data>(connection, call, signal);
    if (result.ok || attempt === retries || !mayRepeat(result.error, call)) return result;
    const waitMs = (result.error.retryAfter ?? USUAL_WAIT_S) * 1_000;
    if (waitMs >= left()) return result;
    await connection.wait(waitMs, signal);
    // A new attempt with an aborted signal sends nothing, and says why.
  }
}

const mayRepeat = (error: CallError, { isSafe }: Call): error is ProblemError =>
  error.kind === 'problem' && error.status === 503 && (isSafe || NOTHING_HAPPENED.has(error.code));

async function sendOnce<Data>(
  connection: Connection,
  call: Call,
  signal: AbortSignal,
): Promise<Result<Data>> {
  try {
    const response = await connection.fetch(urlOf(connection.base, call), {
      method: call.method,
      headers: {
        Accept: 'application/json',
        ...(connection.key !== undefined && { 'X-API-Key': connection.key }),
        ...(call.body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      // The key is for this address alone.
      redirect: 'manual',
      signal,
    });
    return resultOf<Data>(response, await response.text());
  } catch (cause) {
    return failed(errorOf(cause, call.signal, signal));
  }
}

function urlOf(base: URL, { path, query = {} }: Call): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

function errorOf(cause: unknown, own: AbortSignal | undefined, all: AbortSignal): CallError {
  if (own?.aborted) return { kind: 'aborted', message: 'The call was aborted.' };
  if (all.aborted) return { kind: 'timeout', message: 'Keyhearth did not answer in time.' };
  return { kind: 'unreachable', message: 'Keyhearth cannot be reached.', cause };
}

function resultOf<Data>({ status, headers }: Response, text: string): Result<Data> {
  const body = parse(text);
  if (status === 204) return { ok: true, data: undefined as Data, headers };
  if (status >= 200 && status < 300 && isObject(body)) return { ok: true, data: body as Data, headers };
  if (isProblem(body) && status >= 400) return failed(problemOf(body, status, headers));
  // A proxy in front of Keyhearth may answer 503 with a page of its own.
  if (status === 503) return failed(problemOf({ code: 'unavailable', detail: UNAVAILABLE }, status, headers));
  return failed({
    kind: 'unexpected_answer',
    status,
    message: `The answer with status ${status} is not from Keyhearth. Check the URL.`,
  });
}

const UNAVAILABLE = 'The service is unavailable.';

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (body: unknown): body is object => typeof body === 'object' && body !== null;

type Problem = Pick<ProblemError, 'code'> &
  Partial<Pick<ProblemError, 'hint' | 'errors'>> & { detail: string };

function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  return (
    'code' in body && typeof body.code === 'string' && 'detail' in body && typeof body.detail === 'string'
  );
}

const problemOf = (
  { code, detail, hint, errors = [] }: Problem,
  status: number,
  headers: Headers,
): ProblemError => ({
  kind: 'problem',
  status,
  code,
  message: detail,
  hint,
  errors,
  retryAfter: secondsIn(headers.get('Retry-After')),
  headers,
});

/** Keyhearth sends seconds. A proxy may send a date, which is not worth a clock here. */
const secondsIn = (value: string | null) =>
  value !== null && /^\d{1,9}$/.test(value) ? Number(value) : undefined;

import { isUtf8 } from 'node:buffer';
import { createMiddleware } from 'hono/factory';
import type { Problem } from '../lib/errors.ts';
import type { HttpContext, HttpEnv } from './env.ts';
import { problemResponse } from './problem.ts';

export const MAX_BODY_BYTES = 64 * 1024;

const tooLarge: Problem = {
  code: 'body_too_large',
  detail: `The request body is larger than ${MAX_BODY_BYTES / 1024} KiB.`,
};

const malformed = (message: string): Problem => ({
  code: 'malformed_request',
  detail: `The request body ${message}.`,
  errors: [{ path: '', message }],
});

/**
 * Reads the request body once, whole, within its limit, and hands it on as a body that is well-formed UTF-8. An empty
 * body loses its content type, so that "no body" and "an empty one" are the same to the routes.
 */
export const readBody = createMiddleware<HttpEnv>(async (c, next) => {
  // Asking such a request for its body would build a whole Fetch request first, for nothing.
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
  if (Number(c.req.header('Content-Length') ?? 0) > MAX_BODY_BYTES) return refuseTooLarge(c);
  const { raw } = c.req;
  if (raw.body === null) return next();
  let body: Buffer<ArrayBuffer> | undefined;
  try {
    body = await readAtMost(raw.body, MAX_BODY_BYTES);
  } catch {
    return problemResponse(c, malformed('did not arrive whole'));
  }
  if (body === undefined) return refuseTooLarge(c);
  if (!isUtf8(body)) return problemResponse(c, malformed('is not valid UTF-8'));
  const headers = new Headers(raw.headers);
  if (body.byteLength === 0) headers.delete('Content-Type');
  c.req.raw = new Request(raw.url, {
    method: raw.method,
    headers,
    body: body.byteLength === 0 ? null : body,
  });
  return next();
});

/** The rest of the body is still under way, so the connection is of no further use. */
function refuseTooLarge(c: HttpContext): Response {
  c.header('Connection', 'close');
  return problemResponse(c, tooLarge);
}

/**
 * Undefined when there is more than `limit` bytes. The stream is then left as it is: cancelling it would tear down
 * the connection before the refusal is sent.
 */
async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > limit) return undefined;
    chunks.push(value);
  }
}

import { isUtf8 } from 'node:buffer';
import { createMiddleware } from 'hono/factory';
import type { Problem } from '../lib/errors.ts';
import type { HttpEnv } from './env.ts';
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
  const { raw } = c.req;
  if (raw.body === null) return next();
  const declared = Number(c.req.header('Content-Length') ?? 0);
  if (declared > MAX_BODY_BYTES) return problemResponse(c, tooLarge);
  let body: Buffer<ArrayBuffer> | undefined;
  try {
    body = await readAtMost(raw.body, MAX_BODY_BYTES);
  } catch {
    return problemResponse(c, malformed('did not arrive whole'));
  }
  if (body === undefined) return problemResponse(c, tooLarge);
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

/** Undefined when there is more than `limit` bytes. */
async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

import { isUtf8 } from 'node:buffer';
import { createMiddleware } from 'hono/factory';
import { DomainError, type FailureOf } from '../lib/failure.ts';
import type { HttpEnv } from './context.ts';

const malformed = (reason: FailureOf<'malformed_request'>['reason'], options?: ErrorOptions) =>
  new DomainError({ code: 'malformed_request', reason }, options);

/**
 * Reads the request body once, whole, within its limit, and passes it on as a body that is well-formed UTF-8. An empty
 * body loses its content type, so that "no body" and "an empty body" are the same to the routes.
 */
export const readBody = (limitBytes: number) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    // Asking such a request for its body would build a whole Fetch request first, for nothing.
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    /** The rest of the body is still on its way, so the connection cannot be used again. */
    const tooLarge = () => {
      c.header('Connection', 'close');
      return new DomainError({ code: 'body_too_large', limitBytes });
    };
    if (Number(c.req.header('Content-Length') ?? 0) > limitBytes) throw tooLarge();
    const { raw } = c.req;
    if (raw.body === null) return next();
    const body = await readAtMost(raw.body, limitBytes).catch((cause: unknown) => {
      throw malformed('body_incomplete', { cause });
    });
    if (body === undefined) throw tooLarge();
    if (!isUtf8(body)) throw malformed('body_not_utf8');
    const headers = new Headers(raw.headers);
    if (body.byteLength === 0) headers.delete('Content-Type');
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers,
      body: body.byteLength === 0 ? null : body,
    });
    return next();
  });

/**
 * Undefined when there are more than `limit` bytes. The stream then stays as it is: cancelling it would close the
 * connection before the refusal is sent.
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

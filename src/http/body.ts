import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { createMiddleware } from 'hono/factory';
import { DomainError, type FailureOf } from '../lib/failure.ts';
import { createGrowingBuffer } from '../lib/growing-buffer.ts';
import type { HttpEnv } from './context.ts';

const malformed = (reason: FailureOf<'malformed_request'>['reason'], options?: ErrorOptions) =>
  new DomainError({ code: 'malformed_request', reason }, options);

/** No route reads the body of these methods. Fetch does not support TRACE at all. */
const HAVE_NO_BODY = new Set(['GET', 'HEAD', 'TRACE']);

/** Whether a request announces a body, which may be empty. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

/**
 * Reads the whole request body up to its limit, once, and passes on a body of well-formed UTF-8. An empty body loses its
 * content type, so that "no body" and "an empty body" are the same for the routes.
 */
export const readBody = (limitBytes: number) =>
  createMiddleware<HttpEnv>(async (c, next) => {
    if (HAVE_NO_BODY.has(c.req.method)) return next();
    const { incoming } = c.env;
    if (Number(incoming.headers['content-length'] ?? 0) > limitBytes) {
      throw new DomainError({ code: 'body_too_large', limitBytes });
    }
    if (isOtherJson(incoming)) throw new DomainError({ code: 'unsupported_media_type', reason: 'not_json' });
    if (isEncoded(incoming)) throw new DomainError({ code: 'unsupported_media_type', reason: 'compressed' });
    const body = await readAtMost(incoming, limitBytes).catch((cause: unknown) => {
      throw malformed('body_incomplete', { cause });
    });
    if (body === undefined) throw new DomainError({ code: 'body_too_large', limitBytes });
    if (!isUtf8(body)) throw malformed('body_not_utf8');
    const { raw } = c.req;
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
 * `application/merge-patch+json` promises to merge objects, and the other types of this form have their own meaning. The
 * framework would take them all for plain JSON.
 */
const isOtherJson = (incoming: IncomingMessage) =>
  /\+json\s*(?:;|$)/i.test(incoming.headers['content-type'] ?? '') && hasContent(incoming);

const hasContent = (incoming: IncomingMessage) =>
  hasBody(incoming) && incoming.headers['content-length'] !== '0';

function isEncoded(incoming: IncomingMessage): boolean {
  const encoding = incoming.headers['content-encoding'] ?? 'identity';
  return encoding.toLowerCase() !== 'identity' && hasContent(incoming);
}

/** Undefined when there are more than `limit` bytes. The rest is discarded. */
export function readAtMost(
  incoming: Pick<IncomingMessage, 'on' | 'once' | 'destroyed'>,
  limit: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const read = createGrowingBuffer(limit);
  let size = 0;
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size <= limit) read.add(chunk);
      else resolve(undefined);
    });
    incoming.once('end', () => resolve(Buffer.from(read.bytes())));
    incoming.once('error', reject);
    const broken = () => reject(new Error('the connection was closed'));
    incoming.once('close', broken);
    if (incoming.destroyed) broken();
  });
}

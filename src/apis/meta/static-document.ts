import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpContext } from '../../http/context.ts';

const compress = promisify(gzip);

type StaticDocument = {
  plain: Buffer<ArrayBuffer>;
  compressed: Buffer<ArrayBuffer>;
  headers: Record<string, string>;
};

/**
 * Serves one document that does not change while the process runs. It is built at the first request, so it does not
 * slow the start down. It is cached, with its compressed form.
 * @param build makes the content and its headers
 */
export function staticDocument(build: () => Promise<{ content: string; headers: Record<string, string> }>) {
  let loading: Promise<StaticDocument> | undefined;

  async function load(): Promise<StaticDocument> {
    const { content, headers } = await build();
    const plain = Buffer.from(content);
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
    return {
      plain,
      compressed: await compress(plain),
      headers: { ...headers, ETag: etag, 'Cache-Control': 'no-cache', Vary: 'Accept-Encoding' },
    };
  }

  return async (c: HttpContext): Promise<Response> => {
    loading ??= load();
    const { plain, compressed, headers } = await loading.catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    if (c.req.header('If-None-Match') === headers.ETag) return c.body(null, 304, headers);
    if (/\bgzip\b/.test(c.req.header('Accept-Encoding') ?? '')) {
      return c.body(compressed, 200, { ...headers, 'Content-Encoding': 'gzip' });
    }
    return c.body(plain, 200, headers);
  };
}

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpContext } from '../http/context.ts';
import { answerStatic, type StaticFile } from './static-file.ts';

const compress = promisify(gzip);

/** Enough of the hash to tell two versions apart. Weak, because the plain and the compressed form share it. */
export const etagOf = (content: Buffer | string) =>
  `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;

/**
 * Serves one document that does not change while the process runs. It is built at the first request, so it does not
 * slow the start down. It is cached, with its compressed form.
 * @param build makes the content and its headers
 */
export function staticDocument(build: () => Promise<{ content: string; headers: Record<string, string> }>) {
  let loading: Promise<StaticFile> | undefined;

  async function load(): Promise<StaticFile> {
    const { content, headers } = await build();
    const plain = Buffer.from(content);
    return {
      forms: { plain, gzip: await compress(plain) },
      headers: { ...headers, ETag: etagOf(plain), 'Cache-Control': 'no-cache' },
    };
  }

  return async (c: HttpContext): Promise<Response> => {
    loading ??= load();
    const file = await loading.catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return answerStatic(c, file);
  };
}

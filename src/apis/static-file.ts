import { accepts } from 'hono/accepts';
import type { HttpContext } from '../http/context.ts';

type Content = Buffer<ArrayBuffer>;

/** The content of a file, and the compressed forms that exist of it. */
export type StaticFile = Readonly<{
  forms: Readonly<{ plain: Content; gzip?: Content | undefined; br?: Content | undefined }>;
  headers: Readonly<Record<string, string>>;
}>;

/** Answers with the smallest form that the client can read, or 304 when the client has this version. */
export function answerStatic(c: HttpContext, { forms, headers }: StaticFile): Response {
  const common = { ...headers, Vary: 'Accept-Encoding' };
  const { ETag: etag } = headers;
  if (etag !== undefined && isKnown(c.req.header('If-None-Match'), etag)) return c.body(null, 304, common);
  for (const encoding of ['br', 'gzip'] as const) {
    const compressed = forms[encoding];
    if (!compressed || !canRead(c, encoding)) continue;
    return c.body(compressed, 200, { ...common, 'Content-Encoding': encoding });
  }
  return c.body(forms.plain, 200, common);
}

const canRead = (c: HttpContext, encoding: string) =>
  accepts(c, { header: 'Accept-Encoding', supports: [encoding], default: '' }) === encoding;

/** A proxy that compresses an answer may have made its ETag weak, so this compares the rest. */
const isKnown = (ifNoneMatch: string | undefined, etag: string) =>
  (ifNoneMatch ?? '').split(',').some((each) => withoutWeakness(each) === withoutWeakness(etag));

const withoutWeakness = (etag: string) => etag.trim().replace(/^W\//, '');

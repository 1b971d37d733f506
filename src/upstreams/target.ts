import { KEY_PARAMETERS } from './carriers.ts';
import type { Credential } from './credential.ts';

/** The target of a request that may be passed on. */
export type Target = Readonly<{
  path: string;
  /** Without the parameters that carry a key. Empty, or with `?` at its beginning. */
  query: string;
}>;

/** The characters of a path in RFC 3986, section 3.3. */
const PATH = /^(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\da-f]{2})+)+\/?$/i;

/** `.` and `..`, also with parameters as in `..;a`: some servers ignore these. */
const DOT_SEGMENT = /\/\.{1,2}(?:[;/]|$)/;

/** Encoded, these mean something else to the next server than to this one: `.`, `/`, `\`, `%` and control characters. */
const ENCODED_TRICK = /%(?:2e|2f|5c|25|[01][\da-f]|7f)/i;

/** The characters of a query. Some programs do not encode all that they should. */
const QUERY = /^[\x21-\x22\x24-\x7e]*$/;

/** Where the slash of `prefix/model` may be encoded. */
const MODELS = /^\/v1(?:beta)?\/models\//;

/**
 * The target of a request; undefined for one that the next server might read in another way. Nothing is normalized.
 * @param url the target as the client has sent it
 */
export function parseTarget(url: string): Target | undefined {
  const mark = url.indexOf('?');
  const written = mark < 0 ? url : url.slice(0, mark);
  const path = MODELS.test(written) ? written.replaceAll(/%2f/gi, '/') : written;
  if (!PATH.test(path) || DOT_SEGMENT.test(path) || ENCODED_TRICK.test(path)) return undefined;
  if (mark < 0) return { path, query: '' };
  const query = url.slice(mark + 1);
  return QUERY.test(query) ? { path, query: withoutKeys(query) } : undefined;
}

const keyParameters: readonly string[] = KEY_PARAMETERS;

/** Decodes the names: `k%65y` is `key`. All other parameters stay as they are. */
function withoutKeys(query: string): string {
  const kept = query.split('&').filter((parameter) => {
    const [name = ''] = new URLSearchParams(parameter).keys();
    return !keyParameters.includes(name);
  });
  const text = kept.join('&');
  return text === '' ? '' : `?${text}`;
}

/** `v1`, `v4`, `v1beta`. */
const VERSION = '/v\\d+(?:alpha|beta)?\\d*';
const ENDS_WITH_VERSION = new RegExp(`${VERSION}$`);
const HAS_VERSION = new RegExp(`${VERSION}(?:/|$)`);
const BEGINS_WITH_VERSION = new RegExp(`^${VERSION}(?=/)`);

/**
 * The path at the upstream. A version segment of the base URL takes the place of the client's. The base URL of an
 * OpenAI-compatible service may have it in its middle, as in `/v1beta/openai`.
 */
export function upstreamPath({ basePath, protocol }: Credential, { path, query }: Target): string {
  const isVersioned = (protocol === 'openai' ? HAS_VERSION : ENDS_WITH_VERSION).test(basePath);
  return `${basePath}${isVersioned ? path.replace(BEGINS_WITH_VERSION, '') : path}${query}`;
}

/** The model in a path such as `/v1beta/models/prefix/model:generateContent`; undefined for any other path. */
export function modelInPath(path: string): string | undefined {
  const beginning = MODELS.exec(path)?.[0];
  if (beginning === undefined) return undefined;
  const [model = ''] = path.slice(beginning.length).split(':');
  return model === '' ? undefined : model;
}

/** The path without the prefix of its model. */
export const withoutPrefix = (path: string, prefix: string): string =>
  path.replace(`/models/${prefix}/`, '/models/');

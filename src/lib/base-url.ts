import { isForbiddenHost } from './forbidden-address.ts';

export type BaseUrl = Readonly<{
  /** The scheme, host and port. */
  origin: string;
  /** Without a slash at its end. */
  basePath: string;
}>;

/** A URL of HTTP without a user, or undefined. */
export function parseHttpUrl(text: string): URL | undefined {
  const url = /^[\x21-\x7e]{1,2048}$/.test(text) ? URL.parse(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username + url.password !== '') return undefined;
  return url;
}

/** Whether a URL leads to a link-local address, or to one of cloud metadata, that is written in another way. */
export function hidesAddress(text: string): boolean {
  const url = parseHttpUrl(text);
  if (!url || !isForbiddenHost(url.hostname)) return false;
  return !text.toLowerCase().startsWith(`${url.protocol}//${url.hostname}`);
}

/** The parts of a URL to which paths are added; undefined for text that is none. */
export function parseBaseUrl(text: string): BaseUrl | undefined {
  const url = parseHttpUrl(text);
  if (!url || /[?#]/.test(text) || hidesAddress(text)) return undefined;
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') };
}

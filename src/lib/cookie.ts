import { parse } from 'hono/utils/cookie';

/** The value of a cookie in a header `Cookie`; undefined when it is not there. */
export const readCookie = (header: string | undefined, name: string): string | undefined =>
  header === undefined ? undefined : parse(header, name)[name] || undefined;

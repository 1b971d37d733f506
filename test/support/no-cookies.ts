import type { SessionCookies } from '../../src/http/session-cookie.ts';

/** For an API without sessions. */
export const noCookies: SessionCookies = {
  set: () => undefined,
  clear: () => undefined,
  originOf: () => '',
};

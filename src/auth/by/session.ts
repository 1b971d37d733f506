import type { SessionLookup } from '../../accounts/session-lookup.ts';
import { readCookie } from '../../lib/cookie.ts';
import type { AccountAuthenticator } from '../authenticator.ts';

/** The cookie of a browser that has signed in. @param name the name of the cookie, which each API chooses */
export const sessionAuthenticator = (lookUp: SessionLookup, name: string): AccountAuthenticator => ({
  kind: 'account',
  cookie: name,
  schemes: {
    session: {
      type: 'apiKey',
      in: 'cookie',
      name,
      description: 'The session of a person, which `POST /auth/login` starts.',
    },
  },
  read(header) {
    const token = readCookie(header('cookie'), name);
    return token === undefined ? [] : [token];
  },
  verify: (token) => lookUp(token, 'session'),
});

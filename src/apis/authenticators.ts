import type { SessionLookup } from '../accounts/session-lookup.ts';
import type { Authenticator, KeyAuthenticator } from '../auth/authenticator.ts';
import { withQueryKeys } from '../auth/by/query-key.ts';
import { sessionAuthenticator } from '../auth/by/session.ts';
import { PROXYOS_COOKIE, SESSION_COOKIE } from '../http/session-cookie.ts';

/** The kinds of credential that each API takes. */
export function authenticatorsOf(
  keys: KeyAuthenticator,
  sessionLookup: SessionLookup,
  { allowsQueryKeys }: { allowsQueryKeys: boolean },
) {
  const authenticators: readonly Authenticator[] = [
    keys,
    sessionAuthenticator(sessionLookup, SESSION_COOKIE),
  ];
  const proxyosAuthenticators: readonly Authenticator[] = [
    ...withQueryKeys(keys, allowsQueryKeys),
    sessionAuthenticator(sessionLookup, PROXYOS_COOKIE),
  ];
  return { authenticators, proxyosAuthenticators };
}

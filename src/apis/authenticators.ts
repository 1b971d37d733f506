import type { Profiles } from '../accounts/profiles.ts';
import type { SessionLookup } from '../accounts/session-lookup.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { accessTokenAuthenticator } from '../auth/by/access-token.ts';
import { accountKeyAuthenticator } from '../auth/by/account-key.ts';
import { apiKeyAuthenticator } from '../auth/by/api-key.ts';
import { withQueryKeys } from '../auth/by/query-key.ts';
import { sessionAuthenticator } from '../auth/by/session.ts';
import { PROXYOS_COOKIE, SESSION_COOKIE } from '../http/session-cookie.ts';
import type { KeyLookup } from '../keys/lookup.ts';

type People = Readonly<{ sessionLookup: SessionLookup; profiles: Pick<Profiles, 'lacksTwoFactor'> }>;

/** The kinds of credential that each API takes. */
export function authenticatorsOf(
  lookup: KeyLookup,
  { sessionLookup, profiles }: People,
  { allowsQueryKeys }: { allowsQueryKeys: boolean },
) {
  const keys = apiKeyAuthenticator(lookup);
  const authenticators: readonly Authenticator[] = [
    keys,
    sessionAuthenticator(sessionLookup, SESSION_COOKIE),
  ];
  const proxyosAuthenticators: readonly Authenticator[] = [
    ...withQueryKeys(keys, allowsQueryKeys),
    sessionAuthenticator(sessionLookup, PROXYOS_COOKIE),
  ];
  const proxyhatAuthenticators: readonly Authenticator[] = [
    accountKeyAuthenticator(apiKeyAuthenticator(lookup, true), profiles.lacksTwoFactor),
    accessTokenAuthenticator(sessionLookup),
  ];
  return { authenticators, proxyosAuthenticators, proxyhatAuthenticators };
}

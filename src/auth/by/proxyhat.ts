import type { Profiles } from '../../accounts/profiles.ts';
import type { SessionLookup } from '../../accounts/session-lookup.ts';
import type { KeyLookup } from '../../keys/lookup.ts';
import type { Authenticator } from '../authenticator.ts';
import { accessTokenAuthenticator } from './access-token.ts';
import { accountKeyAuthenticator } from './account-key.ts';
import { apiKeyAuthenticator } from './api-key.ts';

type People = Readonly<{ sessionLookup: SessionLookup; profiles: Pick<Profiles, 'lacksTwoFactor'> }>;

/** What the ProxyHat API takes. If a request carries an API key and an access token, the key decides. */
export const proxyhatAuthenticators = (
  keys: KeyLookup,
  { sessionLookup, profiles }: People,
): readonly Authenticator[] => [
  accountKeyAuthenticator(apiKeyAuthenticator(keys, true), profiles.lacksTwoFactor),
  accessTokenAuthenticator(sessionLookup),
];

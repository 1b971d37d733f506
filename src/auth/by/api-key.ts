import { tokenKindOf } from '../../accounts/tokens.ts';
import type { ApiKey } from '../../keys/key.ts';
import type { KeyLookup, ProvenVerdict } from '../../keys/lookup.ts';
import { RawKey } from '../../lib/brand.ts';
import { andThen } from '../../lib/maybe-promise.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import { UNKNOWN_KEY } from '../../usage/outcome.ts';
import type { KeyAuthenticator, ReadHeader, Verification } from '../authenticator.ts';

/** The headers whose whole value is a key. `Authorization: Bearer` is the third way to send one. */
export const KEY_HEADERS = ['X-Proxbox-API-Key', 'X-API-Key'] as const;

const keyHeaders = KEY_HEADERS.map((name) => name.toLowerCase());

const schemes = {
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: KEY_HEADERS[0],
    description: 'The raw key. You can send it in `X-API-Key` in the same way.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'The raw key as a bearer token.' },
} as const;

/**
 * API keys, in any of the three headers.
 * @param allowsPending whether the keys of accounts that wait for approval are valid
 */
export const apiKeyAuthenticator = (
  { lookUp, hasUsableKey }: KeyLookup,
  allowsPending = false,
): KeyAuthenticator => ({
  kind: 'key',
  schemes,
  read: readKeys,
  verify: (credential, ip) =>
    andThen(lookUp(RawKey(credential), ip, allowsPending), (found) =>
      sparingOtherTokens(verificationOf(found), credential),
    ),
  isConfigured: hasUsableKey,
});

/**
 * Every key in a request. When a client sends a header twice, its values arrive joined by ", ". A key contains no space,
 * so it is safe to split there.
 */
function readKeys(header: ReadHeader): string[] {
  const keys: string[] = [];
  for (const name of keyHeaders) {
    const value = header(name);
    if (value) for (const line of value.split(', ')) if (line !== '') keys.push(line);
  }
  const authorization = header('authorization');
  if (authorization) {
    for (const line of authorization.split(', ')) {
      const [, token] = /^bearer +(.+)$/i.exec(line) ?? [];
      if (token) keys.push(token.trim());
    }
  }
  return keys;
}

/** A cached key has one principal, so that what is made of it can be kept too. */
const principals = new WeakMap<ApiKey, KeyPrincipal>();

export function principalOf(key: ApiKey): KeyPrincipal {
  const known = principals.get(key);
  if (known) return known;
  const principal = toPrincipal(key);
  principals.set(key, principal);
  return principal;
}

const toPrincipal = ({
  id,
  label,
  owner,
  scopes,
  rateLimits,
  maxConcurrent,
  rootId,
  account,
}: ApiKey): KeyPrincipal => ({
  kind: 'key',
  id,
  label,
  owner,
  scopes,
  rateLimits,
  maxConcurrent,
  rootId,
  account,
});

/** As for a key that exists, so that it takes the same time. */
const unknownKey = { id: UNKNOWN_KEY, outcome: 'INACTIVE' } as const;

/** Programs mix their tokens up. Nobody guesses a key in this way, so it does not count. A key may look like a token. */
function sparingOtherTokens(
  verification: Verification<KeyPrincipal>,
  credential: string,
): Verification<KeyPrincipal> {
  if (verification.state === 'unproven') {
    const { prove } = verification;
    return {
      ...verification,
      prove: async (...waiter) => sparingOtherTokens(await prove(...waiter), credential),
    };
  }
  if (verification.state !== 'invalid' || verification.judged !== unknownKey) return verification;
  const isTokenOf = tokenKindOf(credential);
  if (!isTokenOf) return verification;
  return { state: 'not_accepted', failure: { code: 'invalid_api_key', remaining: undefined, isTokenOf } };
}

type LookedUp = Awaited<ReturnType<KeyLookup['lookUp']>>;

function verificationOf(found: LookedUp | ProvenVerdict): Verification<KeyPrincipal> {
  switch (found.code) {
    case 'VALID':
      return { state: 'valid', principal: principalOf(found.key) };
    case 'INACTIVE':
    case 'EXPIRED':
    case 'IP_NOT_ALLOWED':
      return { state: 'invalid', judged: { id: found.key.id, outcome: found.code } };
    case 'NOT_FOUND':
      return { state: 'invalid', judged: unknownKey };
    case 'NO_USABLE_KEY':
      return { state: 'unconfigured' };
    case 'UNDECIDED':
      return { state: 'undecided' };
    case 'UNPROVEN':
      return { state: 'unproven', prove: async (...waiter) => verificationOf(await found.prove(...waiter)) };
  }
}

import type { KeyAuthenticator } from '../authenticator.ts';
import { TARGET } from '../authenticator.ts';

/** The parameter of a URL whose value is a key. */
const PARAMETER = 'apiKey';

const query = {
  type: 'apiKey',
  in: 'query',
  name: PARAMETER,
  description: 'The raw key. Proxies log URLs, so a header is safer.',
} as const;

/** Decodes the names too: `api%4Bey` is `apiKey`. */
function keysIn(target: string | undefined): string[] {
  const start = target?.indexOf('?') ?? -1;
  if (target === undefined || start < 0) return [];
  return new URLSearchParams(target.slice(start + 1)).getAll(PARAMETER).filter((key) => key !== '');
}

/**
 * API keys in headers, and in the URL where the operator allows it.
 * @returns the authenticators, in their order
 */
export const withQueryKeys = (keys: KeyAuthenticator, isAllowed: boolean): readonly KeyAuthenticator[] =>
  isAllowed
    ? [
        {
          ...keys,
          schemes: { ...keys.schemes, query },
          read: (header) => [...keys.read(header), ...keysIn(header(TARGET))],
        },
      ]
    : [
        {
          ...keys,
          schemes: {},
          read: (header) => keysIn(header(TARGET)),
          verify: () => ({ state: 'not_accepted', failure: { code: 'api_key_in_url' } }),
        },
        keys,
      ];

import type { SessionLookup } from '../../accounts/session-lookup.ts';
import { TOKEN_PREFIXES } from '../../accounts/tokens.ts';
import type { AccountAuthenticator, ReadHeader } from '../authenticator.ts';

const PREFIX = `${TOKEN_PREFIXES.access_token}_`;

/** Whether a credential is meant as an access token. No API key of an account has this prefix. */
export const isAccessToken = (credential: string): boolean => credential.startsWith(PREFIX);

/** The access token that a person gets when they sign in without a browser. */
export const accessTokenAuthenticator = (lookUp: SessionLookup): AccountAuthenticator => ({
  kind: 'account',
  schemes: {
    accessToken: {
      type: 'http',
      scheme: 'bearer',
      description: 'The access token of a person, which `POST /v1/auth/login` gives.',
    },
  },
  read: readTokens,
  verify: (token) => lookUp(token, 'access_token'),
});

/** When a client sends the header twice, its values arrive joined by ", ". A token contains no space. */
const readTokens = (header: ReadHeader): string[] =>
  (header('authorization') ?? '').split(', ').flatMap((line) => {
    const [, token = ''] = /^bearer +(\S+)$/i.exec(line.trim()) ?? [];
    return isAccessToken(token) ? [token] : [];
  });

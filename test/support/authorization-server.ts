import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { onTestFinished, vi } from 'vitest';
import type { OAuthSettings } from '../../src/gateway-file/config.ts';

/** Where the answers of a sign-in go. Nothing listens there. */
export const REDIRECT = 'http://localhost:8317/anthropic/callback';

/** A secret with characters that a header must encode. */
const CLIENT_SECRET = 'secret:of/the client%';

/**
 * A real authorization server on the loopback, which requires PKCE and accepts a refresh token once. Whoever signs in is
 * ada@example.com, and nobody is asked.
 */
export async function authorizationServer({ accessTokenSeconds = 3_600 } = {}) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // It warns about its development keys and the missing TLS.
  const quiet = [vi.spyOn(console, 'warn').mockReturnValue(), vi.spyOn(console, 'info').mockReturnValue()];
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'public', token_endpoint_auth_method: 'none', ...clientDefaults },
      { client_id: 'confidential', client_secret: CLIENT_SECRET, ...clientDefaults },
    ],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    claims: { openid: ['sub'], email: ['email'] },
    conformIdTokenClaims: false,
    scopes: ['openid', 'email', 'offline_access'],
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    ttl: {
      AccessToken: accessTokenSeconds,
      RefreshToken: 86_400,
      Grant: 86_400,
      IdToken: 3_600,
      Session: 86_400,
      Interaction: 600,
    },
    cookies: { keys: ['a key for the cookies of a test'] },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: `${id}@example.com` }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: String(oidc.client?.clientId),
        accountId: String(oidc.session?.accountId),
      });
      grant.addOIDCScope('openid email offline_access');
      await grant.save();
      return grant;
    },
  });
  for (const spy of quiet) spy.mockRestore();
  const answer = provider.callback();
  const state = {
    tokenRequests: [] as string[],
    /** What the token endpoint answers, when it is not itself. */
    instead: undefined as ((response: ServerResponse) => void) | undefined,
    /** The token endpoint waits for it. */
    waitFor: Promise.resolve() as Promise<unknown>,
    /** The person refuses. */
    refuses: false,
  };

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await provider.interactionFinished(
      request,
      response,
      state.refuses ? { error: 'access_denied', error_description: 'No.' } : { login: { accountId: 'ada' } },
    );
  }

  server.on('request', async (request, response) => {
    if (request.url?.startsWith('/interaction/')) return interact(request, response);
    if (request.url === '/token') {
      state.tokenRequests.push(String(request.headers.authorization ?? ''));
      await state.waitFor;
      if (state.instead) return state.instead(response);
    }
    return answer(request, response);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const settings = (clientId: 'public' | 'confidential' = 'public'): OAuthSettings => ({
    clientId,
    clientSecret: clientId === 'public' ? '' : CLIENT_SECRET,
    authorizeUrl: `${issuer}/auth`,
    tokenUrl: `${issuer}/token`,
    scopes: ['openid', 'email', 'offline_access'],
    redirectUrl: REDIRECT,
    baseUrl: null,
    prefix: null,
  });
  return { issuer, state, settings };
}

const clientDefaults = {
  redirect_uris: [REDIRECT, 'http://localhost:8317/codex/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code' as const],
};

/** What a browser does with the URL of a sign-in. @returns the parameters of the callback */
export async function signInAt(url: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let location = url;
  for (let hops = 0; hops < 10; hops++) {
    const answer = await fetch(location, {
      redirect: 'manual',
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const next = answer.headers.get('Location');
    if (next === null)
      throw new Error(`the authorization server answered ${answer.status}: ${await answer.text()}`);
    location = new URL(next, location).href;
    if (location.includes('/callback?')) return new URL(location).searchParams;
  }
  throw new Error('too many redirects');
}

import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  ClientSecretBasic,
  calculatePKCECodeChallenge,
  None,
  processGenericTokenEndpointResponse,
  ResponseBodyError,
  refreshTokenGrantRequest,
  validateAuthResponse,
} from 'oauth4webapi';
import type { OAuthSettings } from '../gateway-file/config.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { type Grant, isUsableToken } from './token-file.ts';

/** A provider that does not answer must not keep a sign-in or a refresh open. */
const TIMEOUT_MS = 15_000;

/** `error`: what the provider says, such as `invalid_grant`. No token is in it. */
export type Exchanged = { state: 'granted'; grant: Grant } | { state: 'refused' | 'failed'; error: string };

/** Only a provider on this machine may be asked without TLS. */
const isLoopback = (url: string) => isLoopbackHost(new URL(url).hostname);

const serverOf = ({ authorizeUrl, tokenUrl }: OAuthSettings) => ({
  issuer: new URL(authorizeUrl).origin,
  authorization_endpoint: authorizeUrl,
  token_endpoint: tokenUrl,
});

const clientOf = ({ clientId }: OAuthSettings) => ({ client_id: clientId });

const authenticationOf = ({ clientSecret }: OAuthSettings) =>
  clientSecret === '' ? None() : ClientSecretBasic(clientSecret);

const optionsFor = ({ tokenUrl }: OAuthSettings) => ({
  signal: AbortSignal.timeout(TIMEOUT_MS),
  headers: { Accept: 'application/json' },
  [allowInsecureRequests]: isLoopback(tokenUrl),
});

/** Where the person signs in. */
export async function authorizationUrl(
  settings: OAuthSettings,
  extra: Readonly<Record<string, string>>,
  { state, verifier, redirectUrl }: { state: string; verifier: string; redirectUrl: string },
): Promise<string> {
  const url = new URL(settings.authorizeUrl);
  const parameters = {
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: redirectUrl,
    ...(settings.scopes.length > 0 && { scope: settings.scopes.join(' ') }),
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(extra))
    if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Gives the code of an answer back for tokens.
 * @param answer the parameters of the callback, which have an `error` or a `code`
 */
export function exchangeCode(
  settings: OAuthSettings,
  answer: URLSearchParams,
  { state, verifier, redirectUrl }: { state: string; verifier: string; redirectUrl: string },
): Promise<Exchanged> {
  return granted(settings, async () => {
    const server = serverOf(settings);
    const parameters = validateAuthResponse(
      server,
      clientOf(settings),
      withoutIssuer(settings, answer),
      state,
    );
    return authorizationCodeGrantRequest(
      server,
      clientOf(settings),
      authenticationOf(settings),
      parameters,
      redirectUrl,
      verifier,
      optionsFor(settings),
    );
  });
}

/** Asks for a new access token. `refused`: the refresh token is no longer valid. */
export const refresh = (settings: OAuthSettings, refreshToken: string): Promise<Exchanged> =>
  granted(settings, () =>
    refreshTokenGrantRequest(
      serverOf(settings),
      clientOf(settings),
      authenticationOf(settings),
      refreshToken,
      optionsFor(settings),
    ),
  );

/**
 * The file has no issuer to compare with, so an issuer of the same origin is the right one (RFC 9207). Any other stays,
 * and is refused.
 */
function withoutIssuer(settings: OAuthSettings, answer: URLSearchParams): URLSearchParams {
  const issuer = answer.get('iss');
  const parameters = new URLSearchParams(answer);
  const origins = [settings.authorizeUrl, settings.tokenUrl].map((url) => new URL(url).origin);
  if (issuer !== null && URL.canParse(issuer) && origins.includes(new URL(issuer).origin))
    parameters.delete('iss');
  return parameters;
}

async function granted(settings: OAuthSettings, request: () => Promise<Response>): Promise<Exchanged> {
  try {
    const { response, idToken } = await withoutIdToken(await request());
    const granted = await processGenericTokenEndpointResponse(
      serverOf(settings),
      clientOf(settings),
      response,
    );
    const { access_token, refresh_token, expires_in } = granted;
    if (!isUsableToken(access_token))
      return { state: 'failed', error: 'the access token has a character that no header can carry' };
    return {
      state: 'granted',
      grant: { accessToken: access_token, refreshToken: refresh_token, idToken, expiresIn: expires_in },
    };
  } catch (error) {
    return refusalOf(error);
  }
}

/** The ID token only names the session, so its issuer, which the file does not have, is not checked. */
async function withoutIdToken(
  response: Response,
): Promise<{ response: Response; idToken: string | undefined }> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (typeof body !== 'object' || body === null || !('id_token' in body))
    return { response, idToken: undefined };
  const { id_token: idToken, ...rest } = body;
  const { status, headers } = response;
  return {
    response: Response.json(rest, { status, headers: { 'Content-Type': headers.get('Content-Type') ?? '' } }),
    idToken: typeof idToken === 'string' ? idToken : undefined,
  };
}

/** The answers with which a provider refuses for good (RFC 6749, section 5.2). All others may pass. */
const FINAL = new Set(['invalid_grant', 'invalid_client', 'unauthorized_client', 'access_denied']);

/** Error codes have letters and `_` (RFC 6749, section 5.2). Anything else could repeat a secret. */
const shown = (code: string) => (/^[a-z_]{1,60}$/i.test(code) ? code : 'unknown error');

function refusalOf(error: unknown): Exchanged {
  if (error instanceof ResponseBodyError)
    return { state: FINAL.has(error.error) ? 'refused' : 'failed', error: shown(error.error) };
  if (error instanceof Error && 'error' in error && typeof error.error === 'string')
    return { state: 'refused', error: shown(error.error) };
  if (error instanceof Error && error.name === 'TimeoutError')
    return { state: 'failed', error: 'no answer in time' };
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return { state: 'failed', error: shown(error.code) };
  return { state: 'failed', error: 'not reachable' };
}

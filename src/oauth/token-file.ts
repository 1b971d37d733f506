import { z } from 'zod';

/** A token file, in the format of CLI Proxy API. Other fields are kept. */
export type TokenFile = Readonly<Record<string, unknown>>;

/** What the gateway reads of a token file. Text that is missing is empty. */
export type Tokens = Readonly<{
  type: string;
  email: string;
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since 1970; undefined when the file does not say it. */
  expiresAt: number | undefined;
}>;

const text = z.string().catch('');

/** Some programs put the tokens of Google into an object of their own. */
const schema = z.looseObject({
  type: text,
  email: text,
  access_token: text,
  refresh_token: text,
  expired: text,
  token: z
    .looseObject({ access_token: text, refresh_token: text, expiry: text })
    .catch({ access_token: '', refresh_token: '', expiry: '' }),
});

/** Undefined for a text that is not a JSON object. */
export function parseTokenFile(content: string): TokenFile | undefined {
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(content.replace(/^\uFEFF/, '')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function tokensOf(file: TokenFile): Tokens {
  const { type, email, access_token, refresh_token, expired, token } = schema.parse(file);
  const time = Date.parse(expired || token.expiry);
  return {
    type,
    email,
    accessToken: access_token || token.access_token,
    refreshToken: refresh_token || token.refresh_token,
    expiresAt: Number.isNaN(time) ? undefined : time,
  };
}

/** Whether a header can carry an access token. */
export const isUsableToken = (accessToken: string): boolean => /^[\x21-\x7e]+$/.test(accessToken);

/** What a provider has given. */
export type Grant = Readonly<{
  accessToken: string;
  /** Undefined when the earlier one stays valid. */
  refreshToken: string | undefined;
  idToken: string | undefined;
  /** Seconds; undefined when the provider does not say it. */
  expiresIn: number | undefined;
}>;

/** The file after a grant. @param now milliseconds since 1970 */
export function withGrant(file: TokenFile, grant: Grant, now: number): TokenFile {
  const { expiresIn } = grant;
  const written = {
    access_token: grant.accessToken,
    ...(grant.refreshToken !== undefined && { refresh_token: grant.refreshToken }),
    ...(grant.idToken !== undefined && { id_token: grant.idToken }),
    last_refresh: new Date(now).toISOString(),
    expired: expiresIn === undefined ? '' : new Date(now + expiresIn * 1_000).toISOString(),
  };
  const { token, ...rest } = file;
  // The tokens of the outer object count, so old ones inside would only mislead.
  return { ...(token !== undefined && typeof token !== 'object' ? file : rest), ...written };
}

export const serialize = (file: TokenFile): string => `${JSON.stringify(file, null, 2)}\n`;

/** A file with a private key, alone or as CLI Proxy API keeps it for Vertex AI. */
export function isServiceAccount({ type, private_key, service_account }: TokenFile): boolean {
  return (
    type === 'service_account' ||
    private_key !== undefined ||
    (typeof service_account === 'object' && service_account !== null)
  );
}

const claims = z.looseObject({ email: text, sub: text });

/**
 * The account that has signed in. `name` is its e-mail address, or else its subject. They only name the session. The
 * token came from the token endpoint itself, so its signature adds nothing (OpenID Connect Core 1.0, section 3.1.3.7).
 */
export function accountIn(idToken: unknown): Readonly<{ name: string; subject: string }> {
  const [, payload = ''] = typeof idToken === 'string' ? idToken.split('.') : [];
  const parsed = claims.safeParse(parseTokenFile(Buffer.from(payload, 'base64url').toString()));
  if (!parsed.success) return { name: '', subject: '' };
  const { email, sub } = parsed.data;
  return { name: email || sub, subject: sub };
}

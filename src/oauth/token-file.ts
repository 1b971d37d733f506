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

const claims = z.looseObject({ email: text, sub: text });

/**
 * Who has signed in: the e-mail address of the ID token, or else its subject. It only names the session. The token came
 * from the token endpoint itself, so its signature adds nothing (OpenID Connect Core 1.0, section 3.1.3.7).
 */
export function nameIn(idToken: string | undefined): string {
  const [, payload = ''] = idToken?.split('.') ?? [];
  const parsed = claims.safeParse(parseTokenFile(Buffer.from(payload, 'base64url').toString()));
  return parsed.success ? parsed.data.email || parsed.data.sub : '';
}

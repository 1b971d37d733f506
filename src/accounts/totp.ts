import { HOTP, Secret, TOTP } from 'otpauth';

/** One-time codes (RFC 6238): SHA-1, 6 digits, 30 seconds, as all authenticator apps take them. */
const PARAMETERS = { algorithm: 'SHA1', digits: 6 } as const;
const PERIOD_MS = 30_000;
/** One step either way, for clocks that differ and people who type slowly. */
const WINDOW = 1;
const SECRET_BYTES = 20;
const ISSUER = 'Keyhearth';
const CODE = /^\d{6}$/;

/** A new secret: 32 base32 characters. */
export const newSecret = (): string => new Secret({ size: SECRET_BYTES }).base32;

/** Whether a text is a secret that `newSecret` could have made. */
export const isSecret = (text: string): boolean => /^[A-Z2-7]{32}$/.test(text);

/** What an authenticator app reads from a QR code. */
export const uriOf = (secret: string, email: string): string =>
  new TOTP({ ...PARAMETERS, issuer: ISSUER, label: email, secret: Secret.fromBase32(secret) }).toString();

/**
 * The time step of a code; undefined when the code is wrong. A code whose step is not above `last` was used already.
 * @param now milliseconds since 1970
 */
export function stepOf(code: string, secret: string, now: number, last: number): number | undefined {
  const digits = code.replaceAll(' ', '');
  if (!CODE.test(digits)) return undefined;
  const counter = Math.floor(now / PERIOD_MS);
  const hotp = new HOTP({ ...PARAMETERS, secret: Secret.fromBase32(secret), counter });
  const delta = hotp.validate({ token: digits, counter, window: WINDOW });
  return delta !== null && counter + delta > last ? counter + delta : undefined;
}

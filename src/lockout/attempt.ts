import { hash } from 'node:crypto';

/** A credential that came from an address. Nothing is counted for an `undefined` address. */
export type Attempt = Readonly<{ address: string | undefined; credential: string }>;

/** `undecided`: the credential was compared with a part of what it may match, and nothing matched yet. */
export type Outcome = 'valid' | 'invalid' | 'undecided';

/** Of an attempt, so that the lockout can tell two attempts apart and keeps no credential. A whole number above 0. */
export type AttemptDigest = number;

/** 48 bits: a number that JavaScript holds exactly. */
const HEX_DIGITS = 12;

/**
 * Makes the function for the digests of attempts. The digests are in memory only. Without the secret, nobody can test
 * with them what a credential was, or find two credentials with one digest.
 */
export const attemptDigest =
  (secret: string) =>
  ({ address, credential }: Attempt): AttemptDigest =>
    Number.parseInt(hash('sha256', `${secret} ${address} ${credential}`, 'hex').slice(0, HEX_DIGITS), 16) + 1;

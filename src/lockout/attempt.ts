import { hash } from 'node:crypto';

/** A credential and the address that it came from. With an `undefined` address, nothing counts. */
export type Attempt = Readonly<{ address: string | undefined; credential: string }>;

/** `undecided`: the credential was compared with only some of the candidates, and none matched. */
export type Outcome = 'valid' | 'invalid' | 'undecided';

/** A whole number above 0 that stands for an attempt. With it, the lockout compares attempts and keeps no credential. */
export type AttemptDigest = number;

/** 48 bits: a number that JavaScript holds exactly. */
const HEX_DIGITS = 12;

/**
 * Makes the function for the digests of attempts. They are only in memory. Without the secret, nobody can use them to test
 * guesses, or find two credentials with the same digest.
 */
export const attemptDigest =
  (secret: string) =>
  ({ address, credential }: Attempt): AttemptDigest =>
    Number.parseInt(hash('sha256', `${secret} ${address} ${credential}`, 'hex').slice(0, HEX_DIGITS), 16) + 1;

import { createHmac, hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Pepper } from '../pepper/pepper.ts';

/**
 * The format of a raw key. A generated one has 64 characters: "kh_", 55 random base62 digits (327 bits), and the
 * CRC-32 of those 58 characters as 6 base62 digits. A supplied one is any 32 to 512 printable ASCII characters
 * without spaces.
 */
export const MIN_LENGTH = 32;
export const MAX_LENGTH = 512;
export const PRINTABLE_ASCII = /^[\x21-\x7e]*$/;

const PREFIX = 'kh_';
const RANDOM_DIGITS = 55;
const CHECKSUM_DIGITS = 6;
const HINT_LENGTH = 12;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const GENERATED = /^kh_[0-9A-Za-z]{61}$/;

export function generateRawKey(): string {
  let body = PREFIX;
  for (let i = 0; i < RANDOM_DIGITS; i++) body += BASE62.charAt(randomInt(BASE62.length));
  return body + checksum(body);
}

/** The CRC-32 (as in zlib) of ASCII text, as six base62 digits. */
export function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_DIGITS; i++) {
    digits = BASE62.charAt(rest % BASE62.length) + digits;
    rest = Math.floor(rest / BASE62.length);
  }
  return digits;
}

/** False for what has the shape of a generated key but not its checksum: a typo, refused without a look-up. */
export function hasPlausibleChecksum(rawKey: string): boolean {
  if (!GENERATED.test(rawKey)) return true;
  return rawKey.endsWith(checksum(rawKey.slice(0, -CHECKSUM_DIGITS)));
}

/** Whether any stored key could be this one. */
export function isWellFormed(rawKey: string): boolean {
  return (
    rawKey.length >= MIN_LENGTH &&
    rawKey.length <= MAX_LENGTH &&
    PRINTABLE_ASCII.test(rawKey) &&
    hasPlausibleChecksum(rawKey)
  );
}

/** Enough to recognise a key in a list, and too little to help a guesser: at least 20 characters stay unknown. */
export const hintOf = (rawKey: string) => rawKey.slice(0, HINT_LENGTH);

const SHA256_BLOCK_BYTES = 64;
const SHA256_BYTES = 32;
/** At the most, in UTF-8. */
const BYTES_A_CHARACTER = 3;

/**
 * Makes the function that finds a key in one step: HMAC-SHA-256 under the pepper, as base64url. Worth nothing without the
 * pepper. For text of up to 512 characters; a longer one is a RangeError.
 *
 * Written as the two digests that it is (RFC 2104, section 2), since Node's `createHmac` makes an object for each text, one
 * that the garbage collector has to clear away by itself: under load that took longer than all else about an unknown key.
 */
export function fingerprinter(pepper: Pepper): (rawKey: string) => string {
  const key = pepper.export();
  // Not from the pool that small buffers share: nobody else's bytes should lie beside these.
  const padded = (byte: number, room: number) => {
    const block = Buffer.alloc(SHA256_BLOCK_BYTES + room, byte);
    for (const [i, secret] of key.entries()) block[i] = byte ^ secret;
    return block;
  };
  const inner = padded(0x36, MAX_LENGTH * BYTES_A_CHARACTER);
  const outer = padded(0x5c, SHA256_BYTES);
  return (rawKey) => {
    if (rawKey.length > MAX_LENGTH) throw new RangeError('A key of this length has no fingerprint.');
    const end = SHA256_BLOCK_BYTES + inner.write(rawKey, SHA256_BLOCK_BYTES);
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), SHA256_BLOCK_BYTES, 'latin1');
    return hash('sha256', outer, 'base64url');
  };
}

/** What bcrypt is given: 44 characters whatever the key, since bcrypt ignores all past byte 72 and stops at a NUL. */
export const bcryptInputOf = (rawKey: string) =>
  createHmac('sha256', 'keyhearth:bcrypt:v1').update(rawKey).digest('base64');

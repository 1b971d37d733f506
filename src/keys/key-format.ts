import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { RawKey } from '../lib/brand.ts';

/**
 * The format of a raw key. A generated one has 64 characters: "kh_", 55 random base62 digits (327 bits), and the
 * CRC-32 of those 58 characters as 6 base62 digits. A supplied one is any 32 to 512 printable ASCII characters
 * without spaces.
 */
export const MIN_KEY_LENGTH = 32;
export const MAX_KEY_LENGTH = 512;
export const PRINTABLE_ASCII = /^[\x21-\x7e]*$/;

const PREFIX = 'kh_';
const RANDOM_DIGITS = 55;
const CHECKSUM_DIGITS = 6;
const HINT_LENGTH = 12;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const GENERATED = /^kh_[0-9A-Za-z]{61}$/;

export function generateRawKey(): RawKey {
  let body = PREFIX;
  for (let i = 0; i < RANDOM_DIGITS; i++) body += BASE62.charAt(randomInt(BASE62.length));
  return RawKey(body + checksum(body));
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

/** False for a generated key with a wrong checksum. Such a typo is refused without a look-up. */
export function hasPlausibleChecksum(rawKey: string): boolean {
  if (!GENERATED.test(rawKey)) return true;
  return rawKey.endsWith(checksum(rawKey.slice(0, -CHECKSUM_DIGITS)));
}

/** Whether any stored key could be this one. */
export function isWellFormed(rawKey: RawKey): boolean {
  return (
    rawKey.length >= MIN_KEY_LENGTH &&
    rawKey.length <= MAX_KEY_LENGTH &&
    PRINTABLE_ASCII.test(rawKey) &&
    hasPlausibleChecksum(rawKey)
  );
}

/** Enough characters to recognise a key in a list. At least 20 characters stay secret. */
export const hintOf = (rawKey: RawKey) => rawKey.slice(0, HINT_LENGTH);

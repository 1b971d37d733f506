import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { RawKey } from '../lib/brand.ts';

/**
 * The format of a raw key. A generated one is a prefix, "_", 55 random base62 digits (327 bits), and the CRC-32 of all
 * that as 6 base62 digits. With the default prefix, it has 64 characters. A key of the ProxyOS API has 26 random digits
 * (154 bits). A supplied one is any 32 to 512 printable ASCII characters without spaces. One that the file of a gateway
 * declares may be shorter.
 */
export const MIN_KEY_LENGTH = 32;
export const MIN_DECLARED_LENGTH = 8;
export const MAX_KEY_LENGTH = 512;
export const PRINTABLE_ASCII = /^[\x21-\x7e]*$/;

export const DEFAULT_PREFIX = 'kh';
/** The prefix of the keys of the ProxyOS API. No other API makes such keys. */
export const PROXYOS_PREFIX = 'pxos';
export const PREFIX_PATTERN = /^[a-z][a-z0-9_]{1,15}$/;
/** Other kinds of credential begin with these and "_", or will. */
export const RESERVED_PREFIXES: readonly string[] = ['khs', 'kha', 'khi', PROXYOS_PREFIX];

export const isReservedPrefix = (prefix: string): boolean =>
  RESERVED_PREFIXES.some((reserved) => `${prefix}_`.startsWith(`${reserved}_`));

const RANDOM_DIGITS = 55;
/** Clients of ProxyOS know such short keys. */
const PROXYOS_RANDOM_DIGITS = 26;
const CHECKSUM_DIGITS = 6;
/** The length of the hint of a supplied key, and of a key of the ProxyOS API. */
const HINT_LENGTH = 12;
/** How much of a generated key follows the prefix in its hint. */
const HINT_DIGITS = 9;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const WITH_DEFAULT_PREFIX = /^kh_[0-9A-Za-z]{61}$/;
const WITH_ANY_PREFIX = /^([a-z][a-z0-9_]{1,15}_)[0-9A-Za-z]{61}$/;

const randomDigitsOf = (prefix: string) =>
  prefix === PROXYOS_PREFIX ? PROXYOS_RANDOM_DIGITS : RANDOM_DIGITS;

export function generateRawKey(prefix = DEFAULT_PREFIX): RawKey {
  let body = `${prefix}_`;
  for (let i = 0; i < randomDigitsOf(prefix); i++) body += BASE62.charAt(randomInt(BASE62.length));
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

const hasChecksum = (rawKey: string) => rawKey.endsWith(checksum(rawKey.slice(0, -CHECKSUM_DIGITS)));

/**
 * False for a generated key with the default prefix and a wrong checksum. Such a typo is refused without a look-up. With
 * another prefix, it may be a key that a client supplied.
 */
export const hasPlausibleChecksum = (rawKey: string): boolean =>
  !WITH_DEFAULT_PREFIX.test(rawKey) || hasChecksum(rawKey);

/** Whether it is a generated key, or another generated credential, with this prefix. */
export const isGenerated = (text: string, prefix: string): boolean =>
  text.length === prefix.length + 1 + randomDigitsOf(prefix) + CHECKSUM_DIGITS &&
  text.startsWith(`${prefix}_`) &&
  PRINTABLE_ASCII.test(text) &&
  hasChecksum(text);

/** Whether any stored key could be this one. */
export function isWellFormed(rawKey: RawKey): boolean {
  return (
    rawKey.length >= MIN_DECLARED_LENGTH &&
    rawKey.length <= MAX_KEY_LENGTH &&
    PRINTABLE_ASCII.test(rawKey) &&
    hasPlausibleChecksum(rawKey)
  );
}

/** Enough characters to recognise a key in a list. At least 20 characters stay secret, and three quarters of a short key. */
export function hintOf(rawKey: RawKey): string {
  if (rawKey.length < MIN_KEY_LENGTH) return rawKey.slice(0, Math.floor(rawKey.length / 4));
  const [, prefix] = WITH_ANY_PREFIX.exec(rawKey) ?? [];
  const isGenerated = prefix !== undefined && hasChecksum(rawKey);
  return rawKey.slice(0, isGenerated ? prefix.length + HINT_DIGITS : HINT_LENGTH);
}

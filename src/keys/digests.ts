import { createHmac, hash } from 'node:crypto';
import { Fingerprint, type RawKey } from '../lib/brand.ts';
import type { Pepper } from '../pepper/pepper.ts';
import { MAX_KEY_LENGTH } from './key-format.ts';

const SHA256_BLOCK_BYTES = 64;
const SHA256_BYTES = 32;
/** The most bytes of one UTF-16 unit in UTF-8. */
const MAX_UTF8_BYTES = 3;

/**
 * Makes the function for the fingerprint of a key: HMAC-SHA-256 (RFC 2104) under the pepper, as base64url. Nobody can
 * test a guess against it without the pepper. A key of more than 512 characters is a RangeError.
 *
 * It computes the two digests of RFC 2104, section 2, because `createHmac` makes an object for each key, which the garbage
 * collector must remove. The figures are in docs/decisions/fingerprint.md.
 */
export function fingerprinter(pepper: Pepper): (rawKey: RawKey) => Fingerprint {
  const key = pepper.export();
  // Small buffers usually share memory. These have their own, because they contain the pepper.
  const padded = (byte: number, extraBytes: number) => {
    const block = Buffer.alloc(SHA256_BLOCK_BYTES + extraBytes, byte);
    for (const [i, secret] of key.entries()) block[i] = byte ^ secret;
    return block;
  };
  const inner = padded(0x36, MAX_KEY_LENGTH * MAX_UTF8_BYTES);
  const outer = padded(0x5c, SHA256_BYTES);
  return (rawKey) => {
    if (rawKey.length > MAX_KEY_LENGTH) throw new RangeError('A key of this length has no fingerprint.');
    const end = SHA256_BLOCK_BYTES + inner.write(rawKey, SHA256_BLOCK_BYTES);
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), SHA256_BLOCK_BYTES, 'latin1');
    return Fingerprint(hash('sha256', outer, 'base64url'));
  };
}

/** The input for bcrypt: 44 characters for any key. bcrypt ignores everything after byte 72, and stops at a NUL. */
export const bcryptInputOf = (rawKey: RawKey) =>
  createHmac('sha256', 'keyhearth:bcrypt:v1').update(rawKey).digest('base64');

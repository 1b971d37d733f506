import { createHmac, hash } from 'node:crypto';
import { Fingerprint, type RawKey } from '../lib/brand.ts';
import type { Pepper } from '../pepper/pepper.ts';
import { MAX_KEY_LENGTH } from './key-format.ts';

const SHA256_BLOCK_BYTES = 64;
const SHA256_BYTES = 32;
/** Of one UTF-16 unit. */
const MAX_UTF8_BYTES = 3;

/**
 * Makes the function for the stored digest of a key: HMAC-SHA-256 (RFC 2104) under the pepper, as base64url. The digest
 * is worth nothing without the pepper. The key has at most 512 characters; a longer one is a RangeError.
 *
 * Written as the two digests of RFC 2104, section 2: `createHmac` makes an object for each key that the garbage
 * collector must remove. docs/decisions/fingerprint.md has the figures.
 */
export function fingerprinter(pepper: Pepper): (rawKey: RawKey) => Fingerprint {
  const key = pepper.export();
  // Not from the pool that small buffers share, so that no other bytes lie beside these.
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

/** The input for bcrypt: 44 characters for any key, since bcrypt ignores all past byte 72 and stops at a NUL. */
export const bcryptInputOf = (rawKey: RawKey) =>
  createHmac('sha256', 'keyhearth:bcrypt:v1').update(rawKey).digest('base64');

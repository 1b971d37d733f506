import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Pepper } from './pepper.ts';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Encrypts small secrets that the service has to read again. Without the pepper, a copy of the database reveals none. */
export type Seal = {
  /** @param context what the secret belongs to. It opens in no other place */
  seal(secret: string, context: string): string;
  /** @throws Error when it was sealed under another pepper, or for another context */
  open(sealed: string, context: string): string;
};

/** AES-256-GCM (NIST SP 800-38D) under a key that HKDF (RFC 5869) derives from the pepper. */
function sealUnder(pepper: Pepper): Seal {
  const key = Buffer.from(hkdfSync('sha256', pepper, Buffer.alloc(0), 'keyhearth:seal:v1', KEY_BYTES));
  return {
    seal(secret, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context));
      const encrypted = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, encrypted, cipher.getAuthTag()]).toString('base64url');
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return (
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    },
  };
}

/** @param previous the pepper that was used before. What was sealed under it still opens */
export function createSeal(pepper: Pepper, previous?: Pepper): Seal {
  const current = sealUnder(pepper);
  if (!previous) return current;
  const former = sealUnder(previous);
  return {
    seal: current.seal,
    open(sealed, context) {
      try {
        return current.open(sealed, context);
      } catch {
        return former.open(sealed, context);
      }
    },
  };
}

import {
  hasPlausibleChecksum,
  MAX_KEY_LENGTH,
  MIN_KEY_LENGTH,
  PRINTABLE_ASCII,
  RESERVED_PREFIXES,
} from '../keys/key-format.ts';
import { RawKey } from '../lib/brand.ts';
import type { SecretField } from './field-list.ts';
import type { ImportedSecret } from './record.ts';

/** The secret, or what is wrong with it. A text never contains a part of the secret. */
export type ReadSecret = ImportedSecret | string;

/** @param minLength fewer characters than usual for keys that a gateway has declared */
export function readRawKey(text: string, minLength = MIN_KEY_LENGTH): ReadSecret {
  if (text.length < minLength || text.length > MAX_KEY_LENGTH)
    return `must have ${minLength} to ${MAX_KEY_LENGTH} characters`;
  if (!PRINTABLE_ASCII.test(text)) return 'must be printable ASCII characters without spaces';
  const reserved = RESERVED_PREFIXES.find((prefix) => text.startsWith(`${prefix}_`));
  if (reserved !== undefined) return `must not begin with ${reserved}_, which is for other credentials`;
  if (!hasPlausibleChecksum(text)) return 'looks like a key of Keyhearth, but has a typing mistake';
  return { kind: 'raw', rawKey: RawKey(text) };
}

/** 32 bytes as hex, base64 or base64url. */
function readSha256(text: string): ReadSecret {
  if (/^[0-9a-f]{64}$/i.test(text)) return { kind: 'sha256', digest: Buffer.from(text, 'hex') };
  if (/^[\w+/-]{43}=?$/.test(text)) return { kind: 'sha256', digest: Buffer.from(text, 'base64') };
  return 'must be a SHA-256 digest: 64 hex digits, or 43 characters of base64';
}

const BCRYPT = /^\$2[aby]\$(?<cost>\d\d)\$[./A-Za-z0-9]{53}$/;
const MIN_COST = 4;
/** A proof with cost 14 takes about a second. */
const MAX_COST = 14;

export function readBcrypt(text: string): ReadSecret {
  const { cost } = BCRYPT.exec(text)?.groups ?? {};
  if (cost === undefined) return 'must be a bcrypt hash that begins with $2a$, $2b$ or $2y$';
  if (Number(cost) < MIN_COST || Number(cost) > MAX_COST)
    return `must be a bcrypt hash of a cost from ${MIN_COST} to ${MAX_COST}`;
  return { kind: 'bcrypt', hash: text };
}

const READERS: Readonly<Record<SecretField, (text: string) => ReadSecret>> = {
  key: readRawKey,
  sha256: readSha256,
  bcrypt: readBcrypt,
};

export const readSecret = (field: SecretField, text: string): ReadSecret => READERS[field](text);

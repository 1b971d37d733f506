import { KeyId } from '../lib/brand.ts';

/** How the verification of an existing key can end. The database and the API have these names. */
export const OUTCOMES = [
  'VALID',
  'INACTIVE',
  'EXPIRED',
  'IP_NOT_ALLOWED',
  'INSUFFICIENT_SCOPE',
  'RATE_LIMITED',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** A verification of an unknown key is counted under this id, so that it takes the same time. It is not kept. */
export const UNKNOWN_KEY = KeyId(-1);

/** The sum of all keys, where an id is needed. No key has this id. */
export const ALL_KEYS = KeyId(0);

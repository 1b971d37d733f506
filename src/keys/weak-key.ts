import type { RawKey } from '../lib/brand.ts';

/** The sample key of the documentation of proxbox-api. The OpenAPI document of this service uses it too. */
export const SAMPLE_KEY = 'your-secure-api-key-at-least-32-chars';

/** How sample keys usually begin. */
const PLACEHOLDER = /^(?:your|change|replace|insert|enter|example|sample)[-_]/i;

/** Half of the shortest key, so a key contains a shorter text at least twice. */
const MAX_REPEATED = 16;

/** Why anybody can guess the key. */
export type Weakness = 'a sample from documentation' | 'a repeated text';

/** Whether a key, or the beginning of one, is a sample. */
export const isPlaceholder = (rawKey: RawKey): boolean => PLACEHOLDER.test(rawKey);

/** Undefined for a key that is not known to be weak. */
export function weaknessOf(rawKey: RawKey): Weakness | undefined {
  if (isPlaceholder(rawKey)) return 'a sample from documentation';
  for (let length = 1; length <= MAX_REPEATED; length++) {
    if (rawKey.slice(length) === rawKey.slice(0, -length)) return 'a repeated text';
  }
  return undefined;
}

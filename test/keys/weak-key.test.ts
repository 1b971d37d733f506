import { expect, test } from 'vitest';
import { checksum, generateRawKey } from '../../src/keys/key-format.ts';
import { SAMPLE_KEY, weaknessOf } from '../../src/keys/weak-key.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';

test.each([
  SAMPLE_KEY,
  'YOUR_API_KEY_OF_32_CHARACTERS_OR_MORE',
  'change-me-change-me-now-or-be-sorry!',
  'replace_with_the_output_of_openssl_rand',
])('%s is a sample from documentation', (key) => {
  expect(weaknessOf(RawKey(key))).toBe('a sample from documentation');
});

test.each([
  'a'.repeat(32),
  '*'.repeat(512),
  'ab'.repeat(16),
  '0123456789'.repeat(4),
  '0123456789abcdef0123456789abcdef',
  'passwordpasswordpasswordpasswordpass',
])('%s is a repeated text', (key) => {
  expect(weaknessOf(RawKey(key))).toBe('a repeated text');
});

test('no other key is weak', () => {
  for (const key of [FIRST_KEY, `kh_${'0'.repeat(55)}${checksum(`kh_${'0'.repeat(55)}`)}`]) {
    expect(weaknessOf(RawKey(key))).toBeUndefined();
  }
  for (let i = 0; i < 1_000; i++) expect(weaknessOf(generateRawKey())).toBeUndefined();
});

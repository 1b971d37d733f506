import { expect, test } from 'vitest';
import { revivedKey } from '../../src/backup/revoked.ts';

const key = {
  id: 1,
  label: 'a',
  hint: 'kh_abc',
  is_active: 1,
  fingerprint: 'f',
  hash: 'h',
  expires_at: 2_000,
};

const NOW = 500;

test.each([
  ['deleted', key, undefined],
  ['deactivated', key, { ...key, is_active: 0 }],
  ['secret replaced', key, { ...key, fingerprint: 'g', hash: 'i' }],
  ['expires earlier', key, { ...key, expires_at: 1_000 }],
  ['expires earlier', { ...key, expires_at: null }, key],
  [undefined, key, key],
  [undefined, key, { ...key, expires_at: null }],
  [undefined, { ...key, fingerprint: null }, key],
  // A new pepper.
  [undefined, key, { ...key, fingerprint: 'g' }],
  // It had expired, so it stays invalid.
  [undefined, { ...key, expires_at: NOW }, undefined],
  ['deleted', { ...key, expires_at: NOW + 1 }, undefined],
  // The first use of a key that was imported.
  [undefined, { ...key, hash: '' }, key],
])('%s', (why, before, now) => {
  expect(revivedKey(before, now, NOW)?.why).toBe(why);
});

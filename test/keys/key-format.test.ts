import { createHmac, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bcryptInputOf, fingerprinter } from '../../src/keys/digests.ts';
import {
  checksum,
  generateRawKey,
  hasPlausibleChecksum,
  hintOf,
  isGenerated,
  isWellFormed,
  PROXYOS_PREFIX,
} from '../../src/keys/key-format.ts';
import { RawKey } from '../../src/lib/brand.ts';

const pepper = createSecretKey(Buffer.alloc(32, 7));
const fingerprintOf = fingerprinter(pepper);
const digit = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
const generatedKey = fc.constant(null).map(() => generateRawKey());

describe('a generated key', () => {
  test('has 64 characters: kh_, 55 base62 digits, a 6-digit checksum', () => {
    for (let i = 0; i < 200; i++) {
      const key = generateRawKey();
      expect(key).toMatch(/^kh_[0-9A-Za-z]{61}$/);
      expect(isWellFormed(key)).toBe(true);
    }
  });

  test('is never the same twice, and uses all 62 digits', () => {
    const keys = Array.from({ length: 1_000 }, () => generateRawKey());
    expect(new Set(keys).size).toBe(1_000);
    expect(new Set(keys.join('').replaceAll('_', '')).size).toBe(62);
  });

  test('any single typo is refused without a look-up', () => {
    fc.assert(
      fc.property(generatedKey, fc.integer({ min: 3, max: 63 }), digit, (key, at, other) => {
        fc.pre(key[at] !== other);
        expect(isWellFormed(RawKey(key.slice(0, at) + other + key.slice(at + 1)))).toBe(false);
      }),
    );
  });

  test('two neighbouring digits swapped are refused', () => {
    fc.assert(
      fc.property(generatedKey, fc.integer({ min: 3, max: 62 }), (key, at) => {
        const [a = '', b = ''] = [key[at], key[at + 1]];
        fc.pre(a !== b);
        expect(isWellFormed(RawKey(key.slice(0, at) + b + a + key.slice(at + 2)))).toBe(false);
      }),
    );
  });
});

describe('a generated key of the ProxyOS API', () => {
  const generated = fc.constant(null).map(() => generateRawKey(PROXYOS_PREFIX));

  test('has 37 characters: pxos_, 26 base62 digits, a 6-digit checksum', () => {
    for (let i = 0; i < 200; i++) {
      const key = generateRawKey(PROXYOS_PREFIX);
      expect(key).toMatch(/^pxos_[0-9A-Za-z]{32}$/);
      expect(isWellFormed(key)).toBe(true);
      expect(isGenerated(key, PROXYOS_PREFIX)).toBe(true);
      expect(hintOf(key)).toBe(key.slice(0, 12));
    }
  });

  test('is no other kind of credential, and no other one is a key of this API', () => {
    const longer = RawKey(`pxos_${generateRawKey('abcd').slice(5)}`);
    expect(isGenerated(longer, PROXYOS_PREFIX)).toBe(false);
    for (const prefix of ['kh', 'khs', 'kha', 'abcd']) {
      expect(isGenerated(generateRawKey(prefix), PROXYOS_PREFIX)).toBe(false);
      expect(isGenerated(generateRawKey(PROXYOS_PREFIX), prefix)).toBe(false);
      const body = `${prefix}_${'0'.repeat(26)}`;
      expect(isGenerated(body + checksum(body), prefix)).toBe(false);
    }
  });

  test('with a typo is not generated', () => {
    fc.assert(
      fc.property(generated, fc.integer({ min: 5, max: 36 }), digit, (key, at, other) => {
        fc.pre(key[at] !== other);
        expect(isGenerated(key.slice(0, at) + other + key.slice(at + 1), PROXYOS_PREFIX)).toBe(false);
      }),
    );
  });
});

test.each([
  ['', '000000'],
  ['123456789', '3jZRME'],
])('the checksum of %j is its CRC-32 in base62: %s', (text, expected) => {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const value = [...checksum(text)].reduce((sum, char) => sum * 62 + digits.indexOf(char), 0);
  expect(value).toBe(text === '' ? 0 : 0xcbf43926);
  expect(checksum(text)).toBe(expected);
});

describe('a supplied key', () => {
  const printable = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 8,
    maxLength: 512,
  });

  test('is well-formed when it is 8 to 512 printable ASCII characters, unless it pretends to be generated', () => {
    fc.assert(
      fc.property(printable, (key) => {
        expect(isWellFormed(RawKey(key))).toBe(hasPlausibleChecksum(key));
      }),
    );
  });

  test('is not well-formed with any other character anywhere', () => {
    fc.assert(
      fc.property(
        printable,
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        fc.nat(),
        (key, char, at) => {
          fc.pre(!/[\x21-\x7e]/.test(char));
          const cut = at % key.length;
          expect(isWellFormed(RawKey(key.slice(0, cut) + char + key.slice(cut)))).toBe(false);
        },
      ),
    );
  });

  test.each([0, 7, 513])('is not well-formed with %i characters', (length) => {
    expect(isWellFormed(RawKey('x'.repeat(length)))).toBe(false);
  });
});

describe('the hint of a short key', () => {
  test.each([
    ['12345678', '12'],
    ['team-a-key-abc123', 'team'],
    ['x'.repeat(31), 'xxxxxxx'],
    ['x'.repeat(32), 'xxxxxxxxxxxx'],
  ])('of %s is a quarter of it at most', (key, hint) => {
    expect(hintOf(RawKey(key))).toBe(hint);
  });
});

describe('digests', () => {
  test('the fingerprint is HMAC-SHA-256 under the pepper, of one text after another', () => {
    const longest = fc.constantFrom('k', 'é', '家').map((character) => character.repeat(512));
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 512 }), longest)),
        (bytes, texts) => {
          const secret = createSecretKey(bytes);
          const fingerprint = fingerprinter(secret);
          for (const text of texts) {
            expect(fingerprint(RawKey(text))).toBe(
              createHmac('sha256', secret).update(text).digest('base64url'),
            );
          }
        },
      ),
    );
    expect(() => fingerprintOf(RawKey('k'.repeat(513)))).toThrow(RangeError);
  });

  test('bcrypt gets 44 characters without a NUL, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        expect(bcryptInputOf(RawKey(key))).toMatch(/^[A-Za-z0-9+/]{43}=$/);
      }),
    );
    expect(bcryptInputOf(RawKey('key'))).toBe(
      createHmac('sha256', 'keyhearth:bcrypt:v1').update('key').digest('base64'),
    );
  });

  test('keys that differ past byte 72, by a NUL, a space or a Unicode form have different digests', () => {
    const long = 'k'.repeat(72);
    for (const [one, two] of [
      [`${long}a`, `${long}b`],
      [long, `${long}\0`],
      [`${long}\0a`, `${long}\0b`],
      [long, `${long} `],
      [`${long}é`, `${long}e\u0301`],
    ] as const) {
      expect(bcryptInputOf(RawKey(one))).not.toBe(bcryptInputOf(RawKey(two)));
      expect(fingerprintOf(RawKey(one))).not.toBe(fingerprintOf(RawKey(two)));
    }
  });

  test('the hint leaves at least 20 characters unknown', () => {
    expect(hintOf(RawKey('x'.repeat(32)))).toHaveLength(12);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold, foldedUnlessAscii } from '../../src/lib/fold.ts';

test.each([
  ['ABC', 'abc'],
  ['ÄRGER', 'ärger'],
  ['Straße', 'STRASSE'],
  ['Straße', 'STRAẞE'],
  ['ΟΔΟΣ', 'οδος'],
  ['οδος', 'οδοσ'],
  ['МОСКВА', 'москва'],
  ['\u212Aelvin', 'kelvin'],
  ['e\u0301', 'É'],
])('%s and %s are the same without case', (one, other) => {
  expect(fold(one)).toBe(fold(other));
});

test('the case of a text never matters, and what is folded stays as it is', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(text, (original) => {
      const folded = fold(original);
      expect(fold(folded)).toBe(folded);
      if (/^[\p{ASCII}À-ÖØ-öø-þ]*$/u.test(original)) expect(fold(original.toUpperCase())).toBe(folded);
    }),
  );
});

test('ASCII is not stored a second time', () => {
  expect(foldedUnlessAscii('Backup 1')).toBeNull();
  expect(foldedUnlessAscii('Ärger')).toBe('ärger');
});

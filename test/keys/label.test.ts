import { describe, expect, test } from 'vitest';
import { isVisible } from '../../src/keys/label.ts';

const escaped = (label: string) =>
  [...label].map((c) => (c < '\x7f' && c >= ' ' ? c : `U+${c.codePointAt(0)?.toString(16)}`)).join(' ');

const cases = (labels: string[]) => labels.map((label): [string, string] => [escaped(label), label]);

describe('a label may hold', () => {
  test.each(
    cases([
      ...['', 'backup-server', ' größe 🔥 50% ', '日本語', 'résume\u0301', '🇩🇪', '©\uFE0F'],
      // Joined emoji, with and without the selectors and skin tones; a keycap; the flag of England.
      ...['👨\u200D👩\u200D👧', '👩🏽\u200D💻', '🏳\uFE0F\u200D🌈', '❤\u200D🔥', '1\uFE0F\u20E3'],
      '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}',
      // A form of a Japanese name, a Persian verb, a Devanagari conjunct.
      ...['葛\u{E0100}城', 'می\u200Cخواهم', 'क्\u200Dष'],
    ]),
  )('%s', (_, label) => {
    expect(isVisible(label)).toBe(true);
  });
});

describe('a label may not hold', () => {
  test.each(
    cases([
      ...[
        'a\0b',
        'a\nb',
        'a\x7fb',
        'a\u0085b',
        'a\u2028b',
        'a\u2029b',
        'a\u202Eb',
        'a\u2066b',
        '\uFEFFa',
        'a\u200Bb',
      ],
      ...[
        'a\u00ADb',
        '\u3164',
        'a\u{E0041}',
        '\uFFA0',
        '\u115F',
        'a\u034Fb',
        'a\u2061b',
        '\uFFF9',
        '\u{1D173}',
      ],
      // Joiners, selectors and tags where they change nothing that a person sees.
      ...['a\u200Db', 'a\u200Cb', '日\u200D本', 'e\u0301\u200D', '\u200D👨', '👨\u200D', '🔥\u200Da'],
      ...['a\uFE0F', '1\uFE0F', '+\uFE0F', '🔥\uFE0F\uFE0F', '🔥\u{E0041}', '🏴\u{E0041}\u{E007F}'],
      ...['\ud800', '\udc00a'],
    ]),
  )('%s', (_, label) => {
    expect(isVisible(label)).toBe(false);
  });

  test('any invisible character after a Latin letter', () => {
    const after = Array.from({ length: 0x11_0000 }, (_, code) => `admin${String.fromCodePoint(code)}`);
    const invisible = after.filter((label) => /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]$/v.test(label));
    expect(invisible.filter(isVisible)).toEqual([]);
    expect(invisible.length).toBeGreaterThan(4_000);
  });
});

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFieldNames } from '../../src/import/field-names.ts';
import { linesOf, MAX_LINE_BYTES } from '../../src/import/lines.ts';
import { readCliProxy } from '../../src/import/read-cli-proxy.ts';
import { readCsv } from '../../src/import/read-csv.ts';
import { MOST_WAITING, readJsonl } from '../../src/import/read-jsonl.ts';
import type { Item } from '../../src/import/record.ts';
import { parseTime } from '../../src/import/time.ts';
import { generateRawKey } from '../../src/keys/key-format.ts';
import { Scope } from '../../src/lib/brand.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

const KEY = 'a-secret-key-of-another-system-0123456789';
const SHA256 = createHash('sha256').update(KEY).digest();
const BCRYPT = `$2b$12$${'x'.repeat(53)}`;

const usual = createFieldNames(new Map(), false);

async function collect(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Two bytes at a time, so that no reader relies on the borders of chunks. */
const chunked = (text: string) =>
  Readable.from(
    Buffer.from(text)
      .toString('latin1')
      .match(/[\s\S]{1,2}/g) ?? [],
  ).map((part) => Buffer.from(part, 'latin1'));

const jsonl = (text: string, names = usual, scopes: Scope[] = []) =>
  collect(readJsonl(chunked(text), names, scopes));
const csv = (text: string, names = usual, scopes: Scope[] = []) =>
  collect(readCsv(chunked(text), names, scopes));

const ofJson = async (fields: object) => (await jsonl(JSON.stringify(fields)))[0];

describe('a field that --field names', () => {
  const names = createFieldNames(new Map([['expires_at', 'expireAt']]), true);
  const lines = (...all: object[]) => all.map((line) => JSON.stringify(line)).join('\n');
  const key = { key: KEY };

  /** What is read before the error. */
  async function before(text: string, of = names, chunks = chunked(text)) {
    const all: Item[] = [];
    const read = async () => {
      for await (const item of readJsonl(chunks, of, [])) all.push(item);
    };
    const error: unknown = await read().catch((caught) => caught);
    return { all, message: error instanceof Error ? error.message : undefined };
  }

  test('may be absent or null in some lines, in their order', async () => {
    const expiring = { ...key, expireAt: '2030-01-31' };
    expect(await jsonl(lines(key, expiring, key), names)).toMatchObject([
      { place: 1, key: { settings: { expiresAt: null } } },
      { place: 2, key: { settings: { expiresAt: Date.UTC(2030, 0, 31) } } },
      { place: 3 },
    ]);
    expect(await jsonl(lines({ ...key, expireAt: null }), names)).toMatchObject([{ place: 1, key: {} }]);
  });

  test('and that no line has is an error, and no key is read', async () => {
    expect(await before(`{\n${lines({ ...key, expiresAt: '2030-01-31' }, key)}`)).toEqual({
      all: [{ place: 1, field: '', reason: 'must be one whole JSON object in UTF-8' }],
      message: 'No line has the field expireAt; correct --field.',
    });
    const secret = createFieldNames(new Map([['key', KEY]]), true);
    expect((await before(lines(key), secret)).message).toBe(
      'No line has the field with the name in --field; correct --field.',
    );
  });

  test('and that comes too late is an error too, as no more keys than that may wait', async () => {
    const line = `${JSON.stringify(key)}\n`;
    const late = JSON.stringify({ ...key, expireAt: null });
    const whole = (text: string) => before(text, names, Readable.from([Buffer.from(text)]));
    expect(await whole(`${line.repeat(MOST_WAITING)}${late}`)).toEqual({
      all: [],
      message:
        'None of the first 10000 keys has the field expireAt; correct --field. Or add it to the first line, with null.',
    });
    const { all } = await whole(`${late}\n${line.repeat(MOST_WAITING)}`);
    expect(all).toHaveLength(MOST_WAITING + 1);
  });

  test('for the state of a key must not be absent', async () => {
    const state = createFieldNames(new Map([['is_active', 'enabled']]), true);
    expect(await jsonl(lines({ ...key, enabled: true }, key), state)).toMatchObject([
      { key: { isActive: true } },
      { field: 'is_active', reason: 'must be true or false' },
    ]);
  });
});

describe('a line of JSON', () => {
  test('with all fields becomes a key with all settings', async () => {
    expect(
      await ofJson({
        ...{
          key: KEY,
          label: 'Bäckerei',
          owner: 'ops',
          scopes: ['a:b', 'c'],
          expires_at: '2030-01-31T12:00:00Z',
        },
        ...{
          allowed_ips: ['203.0.113.0/24'],
          is_active: false,
          created_at: 1_700_000_000,
          metadata: { team: 1 },
        },
        ...{ rate_limits: [{ name: 'burst', limit: 5, window: '1m' }], max_concurrent: 3 },
      }),
    ).toEqual({
      place: 1,
      key: {
        secret: { kind: 'raw', rawKey: KEY },
        settings: {
          ...{ label: 'Bäckerei', owner: 'ops', scopes: ['a:b', 'c'], expiresAt: Date.UTC(2030, 0, 31, 12) },
          allowedIps: [expect.objectContaining({ prefix: 24 })],
          rateLimits: [{ name: 'burst', limit: 5, window: '1m', windowMs: 60_000 }],
          ...{ maxConcurrent: 3, metadata: { team: 1 } },
        },
        ...{ isActive: false, createdAt: 1_700_000_000_000 },
      },
    });
  });

  test('without settings becomes an active key with the default scopes', async () => {
    const [item] = await jsonl(JSON.stringify({ key: KEY, label: null }), usual, [Scope('a:b')]);
    expect(item).toMatchObject({
      key: { settings: { label: '', scopes: ['a:b'], expiresAt: null }, isActive: true, createdAt: null },
    });
  });

  test.each([
    ['hex', SHA256.toString('hex')],
    ['hex in upper case', SHA256.toString('hex').toUpperCase()],
    ['base64', SHA256.toString('base64')],
    ['base64url', SHA256.toString('base64url')],
  ])('has a SHA-256 digest as %s', async (_, sha256) => {
    expect(await ofJson({ sha256 })).toMatchObject({ key: { secret: { kind: 'sha256', digest: SHA256 } } });
  });

  test.each(['$2a$04$', '$2b$12$', '$2y$14$'])('has a bcrypt hash that begins with %s', async (start) => {
    const bcrypt = start + BCRYPT.slice(7);
    expect(await ofJson({ bcrypt })).toMatchObject({ key: { secret: { kind: 'bcrypt', hash: bcrypt } } });
  });

  const typo = `${generateRawKey().slice(0, -1)}_`.replace(/_$/, '0');
  test.each<[object, string, string]>([
    [{}, '', 'must have one of key, sha256, bcrypt'],
    [{ key: KEY, bcrypt: BCRYPT }, 'bcrypt', 'must not stand beside key'],
    [{ key: 12 }, 'key', 'must be text'],
    [{ key: KEY.slice(0, 31) }, 'key', 'must have 32 to 512 characters'],
    [{ key: `${KEY} ` }, 'key', 'without spaces'],
    [{ key: `${KEY}ä` }, 'key', 'printable ASCII'],
    [{ key: `khs_${KEY}` }, 'key', 'must not begin with khs_'],
    [{ key: typo }, 'key', 'a typing mistake'],
    [{ sha256: 'abc' }, 'sha256', 'must be a SHA-256 digest'],
    [{ bcrypt: `$2x$12$${'x'.repeat(53)}` }, 'bcrypt', 'begins with $2a$, $2b$ or $2y$'],
    [{ bcrypt: `$2b$15$${'x'.repeat(53)}` }, 'bcrypt', 'a cost from 4 to 14'],
    [{ bcrypt: `$2b$03$${'x'.repeat(53)}` }, 'bcrypt', 'a cost from 4 to 14'],
    [{ bcrypt: `${BCRYPT}x` }, 'bcrypt', 'must be a bcrypt hash'],
    [{ key: KEY, label: 'a\u202eb' }, 'label', 'well-formed Unicode'],
    [{ key: KEY, scopes: ['a:b', 'Not This'] }, 'scopes[1]', 'must be * or parts'],
    [{ key: KEY, allowed_ips: '10.0.0.0/33' }, 'allowed_ips[0]', 'must be an address or a network'],
    [{ key: KEY, expires_at: 'tomorrow' }, 'expires_at', 'must be a time like'],
    [{ key: KEY, is_active: 'perhaps' }, 'is_active', 'must be true or false'],
    [{ key: KEY, metadata: [1] }, 'metadata', 'must be a JSON object'],
    [
      { key: KEY, rate_limits: [{ name: 'a', limit: 0, window: '1m' }] },
      'rate_limits[0].limit',
      'whole number',
    ],
    [{ key: KEY, max_concurrent: 0 }, 'max_concurrent', 'whole number'],
    [{ key: KEY, expires: 1 }, 'expires', 'is a field that is not known'],
    [{ key: KEY, [KEY]: 1 }, '', 'is a field that is not known'],
  ])('is refused: %j', async (fields, field, reason) => {
    const item = await ofJson(fields);
    expect(item).toEqual({ place: 1, field, reason: expect.stringContaining(reason) });
    for (const secret of [KEY, BCRYPT, typo]) expect(JSON.stringify(item)).not.toContain(secret.slice(0, 12));
  });

  test('that is none is refused, and the next one is read', async () => {
    const long = JSON.stringify({ key: KEY, label: 'x'.repeat(MAX_LINE_BYTES) });
    const items = await jsonl(`{"key": "${KEY}\n\n[]\n${long}\n{"key":"${KEY}"}`);
    expect(items).toEqual([
      { place: 1, field: '', reason: 'must be one whole JSON object in UTF-8' },
      { place: 3, field: '', reason: 'must be one whole JSON object in UTF-8' },
      { place: 4, field: '', reason: 'must have at most 64 KiB' },
      expect.objectContaining({ place: 5, key: expect.anything() }),
    ]);
  });

  test('may have other names, and fields that are not known', async () => {
    const names = createFieldNames(
      new Map([
        ['sha256', 'token'],
        ['label', 'key_alias'],
      ]),
      true,
    );
    const line = {
      token: SHA256.toString('hex'),
      key_alias: 'ci',
      key: 'not-this',
      label: 'nor this',
      spend: 1,
    };
    const items = await jsonl(JSON.stringify(line), names);
    expect(items).toEqual([
      { place: 1, field: 'sha256', reason: 'must not stand beside key; keep one of them' },
    ]);
    const { key: _, ...others } = line;
    expect(await jsonl(JSON.stringify(others), names)).toMatchObject([
      { key: { settings: { label: 'ci' } } },
    ]);
  });
});

test.each(['', '\n \n', '\ufeff'])('a file of JSON Lines without a line is unreadable: %j', async (text) => {
  await expect(jsonl(text)).rejects.toThrow('The file is empty.');
});

describe('a file of CSV', () => {
  test('has cells with commas, quotes, newlines, lists and JSON', async () => {
    const text = [
      '\ufeffkey,label,scopes,allowed_ips,metadata,is_active,max_concurrent,expires_at',
      `${KEY},"a, ""b""`,
      'c",,,,1,,',
      `${KEY},unclear,,,,,,`,
      `${KEY},ok,a:b c:d,"10.0.0.1,10.0.0.2","{""team"": ""x""}",0,5,1893456000`,
    ].join('\n');
    expect(await csv(text)).toMatchObject([
      { place: 3, field: 'label' },
      { place: 4, field: 'is_active' },
      {
        place: 5,
        key: {
          secret: { kind: 'raw', rawKey: KEY },
          settings: {
            label: 'ok',
            scopes: ['a:b', 'c:d'],
            metadata: { team: 'x' },
            maxConcurrent: 5,
            expiresAt: 1_893_456_000_000,
          },
          isActive: false,
        },
      },
    ]);
  });

  test('refuses a line with another number of cells', async () => {
    expect(await csv(`key,label\r\n${KEY}\r\n${KEY},a\r\n`)).toMatchObject([
      { place: 2, field: '', reason: 'has 1 columns, but the first line has 2' },
      { place: 3, key: {} },
    ]);
  });

  test.each([
    ['The file is empty.', ''],
    ['Column 1 is not known.', `${KEY},label\n`],
    ['The columns are separated by semicolons; separate them by commas.', `key;label\n${KEY};a\n`],
    ['The columns are separated by tabs', `key\tlabel\n${KEY}\ta\n`],
    ['Column 2 (Label) must be written label.', 'key,Label\n'],
    ['Column 2 (lable) is not known.', 'key,lable\n'],
    ['Column 3 (label) stands twice.', 'key,label,label\n'],
    ['There is no column key, sha256, bcrypt.', 'label,owner\n'],
    ['Line 2 has text behind a closing quote', `key,label\n${KEY},"a"b\n`],
    ['Line 2 has a quote in text', `key,label\n${KEY},a"b"\n`],
    ['Line 2 is longer than 64 KiB', `key,label\n${KEY},"${'x'.repeat(70_000)}`],
    ['Line 2 is the last one, and a quote before it is not closed', `key,label\n${KEY},"x`],
  ])('is unreadable: %s', async (sentence, text) => {
    const error: unknown = await csv(text).catch((caught) => caught);
    expect(String(error)).toContain(sentence);
    expect(String(error)).not.toContain(KEY.slice(0, 12));
  });

  test('is unreadable without a column that --field names', async () => {
    const names = createFieldNames(new Map([['key', 'tokn']]), true);
    await expect(csv(`token,label\n${KEY},a\n`, names)).rejects.toThrow(
      'There is no column tokn; correct --field.',
    );
  });

  test('leaves unknown columns out when that is asked for', async () => {
    const names = createFieldNames(new Map([['key', 'secret']]), true);
    expect(await csv(`id,secret,key\n1,${KEY},x\n`, names)).toMatchObject([
      { key: { secret: { rawKey: KEY } } },
    ]);
  });
});

describe('with --ignore-unknown, a field of ours in upper case', () => {
  const digest = SHA256.toString('hex');
  const of = (...sources: [string, string][]) =>
    createFieldNames(new Map([['sha256', 'TOKEN'], ...sources]), true);

  test.each(['EXPIRES_AT', 'IS_ACTIVE'])('is refused: %s', async (name) => {
    await expect(csv(`TOKEN,other,${name}\n${digest},x,0\n`, of())).rejects.toThrow(
      `Column 3 (${name}) must be written ${name.toLowerCase()}.`,
    );
    expect(await jsonl(JSON.stringify({ TOKEN: digest, other: 'x', [name]: '0' }), of())).toEqual([
      { place: 1, field: name, reason: 'is a field that is not known' },
    ]);
  });

  test('is read or left out when --field names a source of that field', async () => {
    const key = { settings: { expiresAt: 1_893_456_000_000 } };
    const upper = of(['expires_at', 'EXPIRES_AT']);
    expect(await csv(`TOKEN,EXPIRES_AT\n${digest},1893456000\n`, upper)).toMatchObject([{ key }]);
    const other = of(['expires_at', 'ends']);
    const line = JSON.stringify({ TOKEN: digest, EXPIRES_AT: 1, ends: 1_893_456_000 });
    expect(await jsonl(line, other)).toMatchObject([{ key }]);
  });
});

test('lines are those of the text, wherever the chunks end', async () => {
  const parts = fc.array(fc.constantFrom('a', 'ä', '\n', '\r\n', 'bc'));
  await fc.assert(
    fc.asyncProperty(parts, fc.integer({ min: 1, max: 5 }), async (text, size) => {
      const bytes = Buffer.from(text.join(''));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const lines: string[] = [];
      for await (const { number, bytes: line } of linesOf(Readable.from(chunks))) {
        lines.push(String(line));
        expect(number).toBe(lines.length);
      }
      const expected = String(bytes).split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(lines).toEqual(expected);
    }),
  );
});

describe('a time', () => {
  test.each([
    ['2024-05-01T12:00:00Z', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01 12:00:00.123456', '2024-05-01T12:00:00.123Z'],
    ['2024-05-01T14:00:00+02:00', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01 14:00:00+0200', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01 14:00:00+02', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01T12:00', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01', '2024-05-01T00:00:00.000Z'],
    [1_712_345_678.123, '2024-04-05T19:34:38.123Z'],
    ['1712345678', '2024-04-05T19:34:38.000Z'],
    [1_712_345_678_123, '2024-04-05T19:34:38.123Z'],
    ['1712345678123', '2024-04-05T19:34:38.123Z'],
  ])('%s', (value, expected) => {
    expect(new Date(parseTime(value) ?? 0).toISOString()).toBe(expected);
  });

  test.each([
    ...['', 'now', '2024-13-01', '2024-02-30', '2024-05-01T25:00:00Z', '12024-05-01', '-1', '9'.repeat(17)],
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY, 1e18, true, {}, null],
  ])('%s is none', (value) => {
    expect(parseTime(value)).toBeUndefined();
  });
});

describe('a file of CLI Proxy API', () => {
  const read = (text: string) => {
    const path = join(temporaryDirectory(), 'config.yaml');
    writeFileSync(path, text);
    return readCliProxy(path);
  };

  test('has the keys of clients, and not those of upstreams', () => {
    const text = `port: 8317
api-keys:
  - "${KEY}" # team a
  - short-key
  - "${KEY}"
gemini-api-key: [{ api-key: "an-upstream-key-0123456789-0123456789" }]
ampcode: { upstream-api-keys: [{ upstream-api-key: "amp-key", api-keys: ["short-key"] }] }
`;
    const { items, warnings } = read(text);
    expect(items).toMatchObject([
      {
        place: 3,
        key: {
          secret: { rawKey: KEY },
          settings: { label: 'team a', scopes: ['gateway:use'] },
          isActive: true,
        },
      },
      { place: 4, key: { secret: { rawKey: 'short-key' }, settings: { label: '' } } },
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^Line 4: the key has fewer than 32 characters/)]);
  });

  test.each([
    ['api-keys: [', /^UnreadableFile: Line 1 does not begin/],
    ['api-keys: ["seven77"]', /^UnreadableFile: Line 1: api-keys\[0\] must have 8 to 512 characters/],
    ['api-keys: "x"', /^UnreadableFile: Line 1: api-keys must be a list/],
  ])('is refused: %s', (text, sentence) => {
    expect(() => read(text)).toThrow(expect.toSatisfy((error) => sentence.test(String(error))));
  });

  test.each([
    ['/nonexistent/config.yaml', 'There is no such file.'],
    ['/tmp', 'The file cannot be read (EISDIR); correct its path, its owner or its rights.'],
  ])('that cannot be read is refused: %s', (path, sentence) => {
    expect(() => readCliProxy(path)).toThrow(sentence);
  });
});

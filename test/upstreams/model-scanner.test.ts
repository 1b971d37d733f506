import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModelScanner, writtenPrefix } from '../../src/upstreams/model-scanner.ts';

/** Reads a text in pieces that end at the given places. */
function scan(text: string | Buffer, cuts: readonly number[] = []) {
  const bytes = Buffer.from(text);
  const scanner = createModelScanner();
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    scanner.push(bytes.subarray(from, to));
    from = to;
  }
  return scanner.end();
}

const modelOf = (text: string, cuts?: readonly number[]) => {
  const found = scan(text, cuts);
  return found.state === 'found' ? found.model : found.state;
};

describe('the member is', () => {
  test.each([
    ['{"model":"a"}', 'a'],
    [' \r\n\t{ "model" : "a" }', 'a'],
    ['\ufeff{"model":"a"}', 'a'],
    ['{"mod\\u0065l":"a"}', 'a'],
    ['{"\\u006d\\u006f\\u0064\\u0065\\u006c":"a"}', 'a'],
    ['{"model":"\\u0061\\"\\\\"}', 'a"\\'],
    ['{"model":"größe/模型"}', 'größe/模型'],
    ['{"a":{"model":"x"},"b":["model","y",{"model":"z"}],"model":"a"}', 'a'],
    ['{"a":"\\"model\\":\\"x\\"","model":"a"}', 'a'],
    ['{"a":"model","model":"a"}', 'a'],
    ['{"a":"\\\\","model":"a"}', 'a'],
    ['{"a":"}","b":"{[","model":"a"}', 'a'],
    ['{"a":[1,-2.5e3,true,null],"model":"a"}', 'a'],
    ['{"model":"a"', 'a'],
    ['{"model":1}', 'absent'],
    ['{"model":null,"a":"b"}', 'absent'],
    ['{"model":{"model":"x"}}', 'absent'],
    ['{"model":["x"]}', 'absent'],
    ['{"Model":"x"}', 'absent'],
    ['{"a":{"model":"x"}}', 'absent'],
    ['["model","x"]', 'absent'],
    ['"model"', 'absent'],
    ['', 'absent'],
    ['{}', 'absent'],
    ['{}{"model":"x"}', 'absent'],
    ['{"model', 'absent'],
    ['{"model":"a","model":"b"}', 'duplicate'],
    ['{"model":"a","mod\\u0065l":"b"}', 'duplicate'],
    ['{"model":1,"model":"b"}', 'duplicate'],
    ['{"model":"a","b":{},"model":null}', 'duplicate'],
  ])('%s → %s', (text, expected) => {
    expect(modelOf(text)).toBe(expected);
    const everyByte = Array.from({ length: Buffer.byteLength(text) }, (_, i) => i);
    expect(modelOf(text, everyByte)).toBe(expected);
  });
});

const key = fc.oneof(
  fc.constantFrom('model', 'models', 'mode', 'MODEL', 'a', '"', '\\', 'model"', '\\u006d'),
  fc.string({ unit: 'grapheme' }),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('model', '"model":"x"', 'or/m', '\\"', '}', '{'),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const object = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: true });

/** Writes every character as an escape now and then, as other programs do. */
const escaped = (json: string, seed: number) =>
  json.replaceAll(/[a-z/](?=[^"]*")/g, (character, index: number) =>
    (index * 7 + seed) % 5 === 0 && !/\\u?[\da-f]{0,3}$/i.test(json.slice(Math.max(0, index - 6), index))
      ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
      : character,
  );

test('finds what JSON.parse finds, in pieces of any length', () => {
  fc.assert(
    fc.property(
      object,
      fc.array(fc.nat(), { maxLength: 8 }),
      fc.constantFrom(0, 1, 2),
      fc.nat(4),
      (sent, cuts, indent, seed) => {
        const plain = JSON.stringify(sent, null, indent);
        const written = seed === 0 ? plain : escaped(plain, seed);
        let parsed: Record<string, unknown>;
        try {
          parsed = JSON.parse(written);
        } catch {
          return;
        }
        const expected =
          Object.hasOwn(parsed, 'model') && typeof parsed.model === 'string' ? parsed.model : 'absent';
        expect(modelOf(written, cuts)).toBe(expected);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('cuts the prefix out, and leaves every other byte', () => {
  const prefix = fc.constantFrom('or', 'team-a', 'ä', 'a.b');
  fc.assert(
    fc.property(
      object,
      prefix,
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('/', '\\/', '\\u002f', '\\u002F'),
      (rest, name, model, slash) => {
        const { model: _, ...others } = rest;
        const before = JSON.stringify(others).slice(1, -1);
        const quoted = JSON.stringify(model).slice(1, -1);
        const json = `{${before}${before === '' ? '' : ','}"model":"${name}${slash}${quoted}"}`;
        const found = scan(json);
        if (found.state !== 'found') throw new Error(found.state);
        expect(found.model).toBe(`${name}/${model}`);
        const bytes = Buffer.from(json);
        const cut = writtenPrefix(found.raw, name);
        const left = Buffer.concat([bytes.subarray(0, found.start), bytes.subarray(found.start + cut)]);
        expect(JSON.parse(left.toString())).toEqual({ ...JSON.parse(json), model });
        expect(writtenPrefix(found.raw, 'another')).toBe(0);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('two members with this name are found wherever they are', () => {
  fc.assert(
    fc.property(object, value, value, fc.array(fc.nat(), { maxLength: 4 }), (rest, first, second, cuts) => {
      const { model: _, ...others } = rest;
      const middle = JSON.stringify(others).slice(1, -1);
      const json = `{"model":${JSON.stringify(first)},${middle}${middle === '' ? '' : ','}"model":${JSON.stringify(second)}}`;
      expect(scan(json, cuts).state).toBe('duplicate');
    }),
    { numRuns: 1_000 },
  );
});

import fc from 'fast-check';
import superjson from 'superjson';
import { expect, test } from 'vitest';
import { serialize } from '../../../src/apis/proxyos/serialize.ts';
import { LONG } from '../../support/long.ts';

const leaf = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.integer(),
  fc.double(),
  fc.constant(null),
  fc.constant(undefined),
  fc.date({ noInvalidDate: false }),
  fc.bigInt(),
  fc
    .constantFrom(new Set([1]), new Map([['a', 1]]), /a/, new URL('http://a'))
    .map((value) => superjson.deserialize(superjson.serialize(value))),
);

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom('id', 'a.b', 'c\\d'), fc.string()), tie('tree'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

/** What a function makes, as JSON, or that it throws. The order of names has no meaning. */
function made(work: () => unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(work()));
  } catch {
    return 'throws';
  }
}

test('writes every tree as superjson does', () => {
  fc.assert(
    fc.property(tree, (value) => {
      expect(made(() => serialize(value))).toEqual(made(() => superjson.serialize(value)));
    }),
    { numRuns: LONG ? 2_000 : 200 },
  );
});

test('a list of keys comes back as it was', () => {
  const keys = [
    { id: '2', scopes: ['read'], lastUsed: new Date(5), expiresAt: null, createdAt: new Date(0) },
    { id: '1', scopes: [], lastUsed: null, expiresAt: undefined, createdAt: new Date(1) },
  ];
  expect(serialize(keys)).toEqual(superjson.serialize(keys));
  expect(superjson.deserialize(serialize(keys))).toEqual(keys);
});

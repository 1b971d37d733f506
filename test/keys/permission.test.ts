import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exceeds, exceedsByChange, type Holdings } from '../../src/keys/permission.ts';
import { holds, SCOPE_PATTERN } from '../../src/keys/scopes.ts';
import { Scope } from '../../src/lib/brand.ts';
import { contains, type Network, parseAddress, parseNetwork } from '../../src/lib/network.ts';

/** The rules are compared with what a key can really do: a list of requests, each from an address, at a time. */

const words = ['*', 'a', 'a:*', 'a:b', 'a:b:*', 'a:b:c', 'a:*:c', 'ab', 'ab:*', 'a-b', 'b:*', 'b', '*a'];
const scopes = words.filter((word) => SCOPE_PATTERN.test(word)).map(Scope);
const asked = [...scopes, Scope('a:c'), Scope('a:b:d'), Scope('ab:c'), Scope('z')];
const networks = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3',
  '0.0.0.0/0',
  '::/0',
  '2001:db8::/32',
  '2001:db8::1',
];
const addresses = ['10.1.2.3', '10.1.9.9', '10.9.9.9', '192.0.2.1', '2001:db8::1', '2001:db8::2', '::1'];

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  if (!parsed) throw new Error(text);
  return parsed;
};

const limits = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('burst', 'day'),
    limit: fc.constantFrom(1, 5, 9),
    window: fc.constant(''),
    windowMs: fc.constantFrom(1_000, 60_000),
  }),
  { selector: ({ name }) => name },
);

const holdings: fc.Arbitrary<Holdings> = fc.record({
  scopes: fc.uniqueArray(fc.constantFrom(...scopes), { maxLength: 4 }),
  expiresAt: fc.option(fc.constantFrom(10, 20, 30)),
  allowedIps: fc.uniqueArray(fc.constantFrom(...networks), { maxLength: 3 }).map((some) => some.map(network)),
  rateLimits: limits,
  maxConcurrent: fc.option(fc.constantFrom(1, 5, 9)),
});

const requests = asked.flatMap((scope) =>
  addresses.flatMap((address) => [5, 15, 25, 99].map((time) => ({ scope, address, time }))),
);

const may = (
  { scopes, expiresAt, allowedIps }: Holdings,
  { scope, address, time }: (typeof requests)[number],
) =>
  holds(scopes, scope) &&
  (expiresAt === null || time < expiresAt) &&
  (allowedIps.length === 0 || allowedIps.some((each) => contains(each, parseAddress(address) as never)));

test('a key that does not exceed another may do nothing that the other may not', () => {
  fc.assert(
    fc.property(holdings, holdings, (actor, wanted) => {
      fc.pre(exceeds(actor, wanted) === undefined);
      for (const request of requests)
        if (may(wanted, request) && !may(actor, request)) expect.fail(JSON.stringify(request));
      for (const limit of holds(actor.scopes, '*') ? [] : actor.rateLimits)
        expect(
          wanted.rateLimits.some(
            (other) =>
              other.name === limit.name && other.limit <= limit.limit && other.windowMs >= limit.windowMs,
          ),
        ).toBe(true);
      if (!holds(actor.scopes, '*'))
        expect(wanted.maxConcurrent ?? Infinity).toBeLessThanOrEqual(actor.maxConcurrent ?? Infinity);
    }),
    { numRuns: 1_000 },
  );
});

test('after a change, a key may do only what it or the actor could do before', () => {
  fc.assert(
    fc.property(holdings, holdings, holdings, fc.array(fc.nat(4)), (actor, before, chosen, fields) => {
      const names = ['scopes', 'expiresAt', 'allowedIps', 'rateLimits', 'maxConcurrent'] as const;
      const after = {
        ...before,
        ...Object.fromEntries(fields.map((i) => [names[i], chosen[names[i] ?? 'scopes']])),
      };
      fc.pre(exceedsByChange(actor, before, after) === undefined);
      for (const request of requests)
        if (may(after, request) && !may(before, request) && !may(actor, request))
          expect.fail(JSON.stringify(request));
    }),
    { numRuns: 1_000 },
  );
});

test('a key that changes itself gets nothing, and the rules let it keep everything', () => {
  fc.assert(
    fc.property(holdings, holdings, (own, after) => {
      expect(exceedsByChange(own, own, own)).toBeUndefined();
      expect(exceedsByChange(own, own, after)).toEqual(exceeds(own, after));
    }),
  );
});

test.each([
  ['an expired key from more addresses', { expiresAt: 5 }, { expiresAt: 20 }, { allowedIps: ['10.0.0.0/8'] }],
  ['a later expiry, with weaker limits', { expiresAt: 5 }, { expiresAt: 20 }, { limits: true }],
  ['a later expiry, with more open requests', { expiresAt: 5 }, { expiresAt: 20 }, { maxConcurrent: 3 }],
  [
    'an expired key with more open requests',
    { maxConcurrent: 2 },
    { maxConcurrent: 4 },
    { maxConcurrent: 3 },
  ],
])('nobody revives %s', (_, before, after, narrow) => {
  const plain = {
    scopes: [Scope('a')],
    expiresAt: null,
    allowedIps: [],
    rateLimits: [],
    maxConcurrent: null,
  };
  const actor: Holdings = {
    ...plain,
    ...('allowedIps' in narrow && { allowedIps: narrow.allowedIps.map(network) }),
    ...('maxConcurrent' in narrow && { maxConcurrent: narrow.maxConcurrent }),
    ...('limits' in narrow && { rateLimits: [{ name: 'a', limit: 1, window: '1s', windowMs: 1_000 }] }),
  };
  expect(exceedsByChange(actor, { ...plain, ...before }, { ...plain, ...after })).toBeDefined();
  expect(exceedsByChange(plain, { ...plain, ...before }, { ...plain, ...after })).toBeUndefined();
});

test('a star that is not a whole last part is a letter like others', () => {
  for (const scope of ['a:re*', 'a:*:b', 'a:**', 'a:b*', 'a:*b', 'keys:re*', 'keys:*:*'].map(Scope)) {
    expect(SCOPE_PATTERN.test(scope)).toBe(true);
    const granted = ['a', 'a:re', 'a:read', 'a:b', 'a:x:b', 'a:bc', 'keys:read', 'keys:write', 'keys', '*'];
    expect(granted.filter((wanted) => holds([scope], wanted))).toEqual([]);
    expect(holds([scope], scope)).toBe(true);
    expect(holds([Scope(`${scope.split(':')[0]}:*`)], scope)).toBe(true);
  }
});

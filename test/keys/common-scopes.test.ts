import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonScopes, holds } from '../../src/keys/scopes.ts';
import { Scope } from '../../src/lib/brand.ts';
import { LONG } from '../support/long.ts';

const some = ['*', 'a', 'a:*', 'a:b', 'a:b:*', 'a:b:c', 'a:c', 'b', 'b:*', 'b:*:c'].map(Scope);
const asked = [...some, 'a:b:c:d', 'a:d', 'b:x', 'c', 'c:*'];

test('the common scopes of two lists cover what both cover, and nothing else', () => {
  fc.assert(
    fc.property(fc.subarray(some), fc.subarray(some), (one, other) => {
      const common = commonScopes(one, other);
      for (const scope of asked)
        expect(holds(common, scope), `${scope} of ${common}`).toBe(holds(one, scope) && holds(other, scope));
      expect(new Set(common).size).toBe(common.length);
      expect(commonScopes(common, other)).toEqual(common);
    }),
    { numRuns: LONG ? 2_000 : 300 },
  );
});

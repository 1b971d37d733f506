import { expect, test } from 'vitest';
import { createAdmit } from '../../src/auth/admit.ts';
import { countingAdmit } from '../../src/auth/count-outcome.ts';
import { Scope } from '../../src/lib/brand.ts';
import { keyPrincipal } from '../support/principal.ts';

const burst = { name: 'burst', limit: 5, window: '1s', windowMs: 1_000 };

test('a key without limits never asks the limiter, and a missing scope is told before', async () => {
  const counted: string[] = [];
  const asked: number[] = [];
  const consume = (_: number, __: unknown, cost: number) => {
    asked.push(cost);
    const states = [{ ...burst, remaining: 0, resetMs: 700 }];
    return Promise.resolve({ isAllowed: asked.length === 1, retryAfter: 1, states });
  };
  const usage = {
    countUse: () => undefined,
    countVerification: (_: number, code: string) => void counted.push(code),
  };
  const admit = countingAdmit(createAdmit({ consume }), usage);
  const limited = { ...keyPrincipal(), scopes: [], rateLimits: [burst] };
  expect(admit(keyPrincipal(), [])).toMatchObject({ state: 'admitted', limits: [] });
  expect(admit(limited, [Scope('a')])).toMatchObject({ failure: { code: 'insufficient_scope' } });
  expect(asked).toEqual([]);
  expect(await admit(limited, [])).toMatchObject({ state: 'admitted', limits: [{ remaining: 0 }] });
  expect(await admit(limited, [])).toMatchObject({ failure: { code: 'rate_limited', retryAfter: 1 } });
  expect(asked).toEqual([1, 1]);
  expect(counted).toEqual(['VALID', 'INSUFFICIENT_SCOPE', 'VALID', 'RATE_LIMITED']);
});

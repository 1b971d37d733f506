import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyId } from '../../src/lib/brand.ts';
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts';
import { allocateWindows, openWindows, releaseWindows } from '../../src/limits/shared-windows.ts';
import { consume, stillOpen } from '../../src/limits/window.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { histories, naiveLimiter } from './naive-limiter.ts';

const minute = { name: 'minute', limit: 3, window: '1m', windowMs: 60_000 };
const hour = { name: 'hour', limit: 4, window: '1h', windowMs: 3_600_000 };

test('memory gives the answers of the naive limiter, whatever happens', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { clock, pass } = fakeClock();
      const { consume } = createMemoryLimiter(openWindows(allocateWindows(1_000)), clock);
      const ask = naiveLimiter();
      for (const { questions, seconds } of history) {
        for (const { root, limits, cost } of questions) {
          const { isAllowed, retryAfter, states } = consume(root, limits, cost);
          const expected = ask(root, limits, cost, clock.monotonic());
          expect({
            isAllowed,
            remaining: states.map(({ remaining }) => remaining),
            resetMs: states.map(({ resetMs }) => resetMs),
          }).toEqual(expected);
          expect(retryAfter > 0).toBe(!isAllowed);
        }
        pass(seconds);
      }
    }),
    { numRuns: 500 },
  );
});

test('a window that has just opened ends after its length, and not a second later, at any time of the clock', () => {
  const day = { name: 'day', limit: 4, window: '1d', windowMs: 86_400_000 };
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (now) => {
      const { states } = consume([day], [], 1, now);
      expect(states.map(({ resetMs }) => Math.ceil(resetMs / 1_000))).toEqual([86_400]);
    }),
  );
});

describe('a refused request', () => {
  test('passes when the time in Retry-After is over, and not a second earlier', () => {
    const { clock, pass } = fakeClock();
    const { consume } = createMemoryLimiter(openWindows(allocateWindows(1_000)), clock);
    const ask = () => consume(KeyId(1), [minute, hour], 1);
    for (let i = 0; i < 3; i++) ask();
    expect(ask()).toMatchObject({ isAllowed: false, retryAfter: 60 });
    pass(59);
    expect(ask()).toMatchObject({ isAllowed: false, retryAfter: 1 });
    pass(1);
    expect(ask()).toMatchObject({ isAllowed: true });
    expect(ask()).toMatchObject({ isAllowed: false, retryAfter: 3_540 });
  });

  test('waits for ever when it costs more than a limit', () => {
    for (const limits of [[minute], [hour, minute]])
      expect(consume(limits, [], 4, 0)).toMatchObject({ isAllowed: false, retryAfter: Infinity });
  });
});

describe('a window of the future', () => {
  const window = { openedAt: 10_000_000, endsAt: 10_060_000, used: 2 };

  test('opens now: it does not last until a clock that was set back catches up', () => {
    expect(stillOpen(window, minute, 5_000)).toEqual({ openedAt: 5_000, endsAt: 65_000, used: 2 });
  });
});

describe('the table', () => {
  test('drops the window that ends first, and never one of the same request', () => {
    const { clock } = fakeClock();
    const { consume } = createMemoryLimiter(openWindows(allocateWindows(16)), clock);
    const remaining = (root: number, cost: number) =>
      consume(KeyId(root), [minute, hour], cost).states.map(({ remaining }) => remaining);
    for (let root = 1; root <= 8; root++) expect(remaining(root, 1)).toEqual([2, 3]);
    expect(remaining(1, 0)).toEqual([2, 3]);
    expect(remaining(9, 1)).toEqual([2, 3]);
    expect(remaining(9, 0)).toEqual([2, 3]);
    const left = Array.from({ length: 8 }, (_, i) => remaining(i + 1, 0));
    expect(left.filter(([ofMinute]) => ofMinute === 3)).toHaveLength(2);
    expect(left.filter(([, ofHour]) => ofHour === 4)).toHaveLength(0);
  });

  test('is free again when the thread that held it has ended', () => {
    const memory = allocateWindows(16);
    const header = new Int32Array(memory.buffer, 0, 2);
    header.fill(78);
    releaseWindows(memory, 76);
    expect([...header]).toEqual([78, 78]);
    releaseWindows(memory, 77);
    expect(openWindows(memory).exclusively(() => 'mine')).toBe('mine');
    expect(openWindows(memory).tryToBeginSaving()).toBe(true);
  });
});

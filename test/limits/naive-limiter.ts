import fc from 'fast-check';
import { KeyId } from '../../src/lib/brand.ts';
import type { RateLimit } from '../../src/lib/rate-limit.ts';

/** Rate limits in the simplest way: each window is a list of what was taken from it. */
export function naiveLimiter() {
  const windows = new Map<string, { openedAt: number; length: number; taken: number[] }>();

  function openWindow(root: number, { name, windowMs }: RateLimit, now: number) {
    const window = windows.get(`${root} ${name}`);
    if (!window || now >= window.openedAt + window.length || now >= window.openedAt + windowMs)
      return undefined;
    return window;
  }

  const takenFrom = (root: number, limit: RateLimit, now: number) =>
    openWindow(root, limit, now)?.taken.reduce((sum, cost) => sum + cost, 0) ?? 0;

  return function ask(root: number, limits: readonly RateLimit[], cost: number, now: number) {
    const isAllowed =
      cost === 0 || limits.every((limit) => takenFrom(root, limit, now) + cost <= limit.limit);
    if (isAllowed && cost > 0) {
      for (const limit of limits) {
        const window = openWindow(root, limit, now) ?? { openedAt: now, length: 0, taken: [] };
        window.taken.push(cost);
        window.length = limit.windowMs;
        windows.set(`${root} ${limit.name}`, window);
      }
    }
    return {
      isAllowed,
      remaining: limits.map((limit) => Math.max(0, limit.limit - takenFrom(root, limit, now))),
      resetMs: limits.map((limit) => {
        const window = openWindow(root, limit, now);
        return window ? window.openedAt + limit.windowMs - now : 0;
      }),
    };
  };
}

const seconds = (name: string, limit: number, count: number): RateLimit => ({
  name,
  limit,
  window: `${count}s`,
  windowMs: count * 1_000,
});

/** As they may be before and after somebody changes them. */
const variants: readonly (readonly RateLimit[])[] = [
  [seconds('a', 5, 1_000)],
  [seconds('a', 5, 1_000), seconds('b', 12, 5_000)],
  [seconds('b', 9, 5_000), seconds('a', 7, 2_000), seconds('c', 1_000, 9_000)],
  [seconds('a', 2, 3_000), seconds('b', 30, 1_000)],
];

const question = fc.record({
  root: fc.constantFrom(KeyId(1), KeyId(2), KeyId(3)),
  limits: fc.constantFrom(...variants),
  cost: fc.constantFrom(0, 1, 1, 1, 1, 2, 5, 40),
});

/** What is asked at once, and how many seconds then pass. */
export const histories = fc.array(
  fc.record({
    questions: fc.array(question, { minLength: 1, maxLength: 12 }),
    seconds: fc.constantFrom(0, 300, 700, 1_500, 4_000),
  }),
  { maxLength: 12 },
);

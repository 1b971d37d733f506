import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFreshness } from '../../../src/db/postgres/freshness.ts';

const moment = (ms: number) => ({ monotonic: ms, wall: 1_000_000 + ms });

function at(start: number) {
  const now = moment(start);
  const freshness = createFreshness(() => now);
  function pass(ms: number): void {
    now.monotonic += ms;
    now.wall += ms;
  }
  return { freshness, now, pass };
}

test('nothing may be cached before a heartbeat came back', () => {
  const { freshness } = at(1_000);
  expect(freshness.epoch()).toBeUndefined();
  freshness.beat(moment(1_000));
  expect(freshness.epoch()).toBe(0);
});

test('a heartbeat vouches for a second and a half from when it was sent, however late it came', () => {
  const { freshness, pass } = at(10_000);
  freshness.beat(moment(9_000));
  expect(freshness.epoch()).toBe(0);
  pass(500);
  expect(freshness.epoch()).toBe(0);
  pass(1);
  expect(freshness.epoch()).toBeUndefined();
});

test.each([
  ['the machine slept', 'wall', 'monotonic'],
  ['the clock was set back', 'monotonic', 'wall'],
] as const)('nothing is trusted longer because %s', (_, runs, stands) => {
  const { freshness, now } = at(10_000);
  freshness.beat(moment(10_000));
  now[stands] -= 3_600_000;
  now[runs] += 1_500;
  expect(freshness.epoch()).toBe(0);
  now[runs] += 1;
  expect(freshness.epoch()).toBeUndefined();
});

test('a heartbeat from the future vouches for nothing', () => {
  const { freshness } = at(1_000);
  freshness.beat(moment(1_001));
  expect(freshness.epoch()).toBeUndefined();
});

test('a change begins a new epoch', () => {
  const { freshness } = at(0);
  freshness.beat(moment(0));
  const before = freshness.epoch();
  freshness.changed();
  expect(freshness.epoch()).not.toBe(before);
});

test('after a lost connection nothing is trusted until the next heartbeat, which begins a new epoch', () => {
  const { freshness } = at(0);
  freshness.beat(moment(0));
  const before = freshness.epoch();
  freshness.lost();
  expect(freshness.epoch()).toBeUndefined();
  freshness.beat(moment(0));
  expect(freshness.epoch()).not.toBe(before);
  expect(freshness.epoch()).toBeDefined();
});

test('no epoch comes again after a change or a silence', () => {
  const event = fc.constantFrom('changed', 'lost', 'beat', 'later');
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { freshness, pass } = at(0);
      let now = 0;
      let generation = 0;
      const seen = new Map<number, number>();
      for (const each of events) {
        if (each === 'beat') freshness.beat(moment(now));
        else if (each === 'later') {
          now += 400;
          pass(400);
        } else {
          freshness[each]();
          generation++;
        }
        const epoch = freshness.epoch();
        if (epoch === undefined) continue;
        expect(seen.get(epoch) ?? generation).toBe(generation);
        seen.set(epoch, generation);
      }
    }),
  );
});

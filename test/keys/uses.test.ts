import { expect, test } from 'vitest';
import type { Background } from '../../src/db/database.ts';
import { createUseCounter } from '../../src/keys/uses.ts';
import { noDatabase } from '../support/no-database.ts';

/** Takes what is written, or throws it away and says so. */
function writer() {
  const state = { fails: false };
  const written = new Map<number, { count: number; lastUsedAt: number }>();
  const background: Background = {
    async run({ parameters }) {
      if (state.fails) throw new Error('the disk is full');
      for (const [id, count, lastUsedAt] of JSON.parse(String(parameters[0])) as number[][]) {
        if (id === undefined || count === undefined || lastUsedAt === undefined) throw new Error('a gap');
        written.set(id, { count: count + (written.get(id)?.count ?? 0), lastUsedAt });
      }
    },
  };
  return { state, written, background };
}

test('every use is counted once, and its time kept, however many there are of however many keys', async () => {
  const { written, background } = writer();
  const counter = createUseCounter(noDatabase, background, (error) => expect(error).toBeUndefined());
  for (let use = 0; use < 10_007; use++) counter.note((use % 2_500) + 1, 1_000_000 + use);
  await counter.close();
  expect(written.size).toBe(2_500);
  expect(written.get(1)).toEqual({ count: 5, lastUsedAt: 1_010_000 });
  expect(written.get(7)).toEqual({ count: 5, lastUsedAt: 1_010_006 });
  expect(written.get(8)).toEqual({ count: 4, lastUsedAt: 1_007_507 });
  expect([...written.values()].reduce((sum, { count }) => sum + count, 0)).toBe(10_007);
});

test('what could not be written is written with what came since', async () => {
  const { state, written, background } = writer();
  const errors: unknown[] = [];
  const counter = createUseCounter(noDatabase, background, (error) => errors.push(error));
  state.fails = true;
  for (let use = 0; use < 3_000; use++) counter.note(1, 1_000_000 + use);
  await counter.close();
  expect(errors).toHaveLength(1);
  expect(written.size).toBe(0);
  state.fails = false;
  counter.note(1, 1_000_000);
  await counter.close();
  expect(written.get(1)).toEqual({ count: 3_001, lastUsedAt: 1_002_999 });
});

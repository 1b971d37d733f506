import { expect, test } from 'vitest';
import type { BackgroundWriter } from '../../src/db/engine.ts';
import { createUseCounter } from '../../src/keys/use-counter.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { noDatabase } from '../support/no-database.ts';

/** Takes what is written, or fails and takes nothing. */
function fakeWriter() {
  const state = { fails: false };
  const written = new Map<number, { count: number; lastUsedAt: number }>();
  const writer: BackgroundWriter = {
    async run({ parameters }) {
      if (state.fails) throw new Error('the disk is full');
      for (const [id, count, lastUsedAt] of JSON.parse(String(parameters[0])) as number[][]) {
        if (id === undefined || count === undefined || lastUsedAt === undefined) throw new Error('a gap');
        written.set(id, { count: count + (written.get(id)?.count ?? 0), lastUsedAt });
      }
    },
  };
  return { state, written, writer };
}

test('every use is counted once, and its time kept, however many there are of however many keys', async () => {
  const { written, writer } = fakeWriter();
  const counter = createUseCounter(noDatabase, writer, (error) => expect(error).toBeUndefined());
  for (let use = 0; use < 10_007; use++) counter.record(KeyId((use % 2_500) + 1), 1_000_000 + use);
  await counter.close();
  expect(written.size).toBe(2_500);
  expect(written.get(1)).toEqual({ count: 5, lastUsedAt: 1_010_000 });
  expect(written.get(7)).toEqual({ count: 5, lastUsedAt: 1_010_006 });
  expect(written.get(8)).toEqual({ count: 4, lastUsedAt: 1_007_507 });
  expect([...written.values()].reduce((sum, { count }) => sum + count, 0)).toBe(10_007);
});

test('what could not be written is written with what came since', async () => {
  const { state, written, writer } = fakeWriter();
  const errors: unknown[] = [];
  const counter = createUseCounter(noDatabase, writer, (error) => errors.push(error));
  state.fails = true;
  for (let use = 0; use < 3_000; use++) counter.record(KeyId(1), 1_000_000 + use);
  await counter.close();
  expect(errors).toHaveLength(1);
  expect(written.size).toBe(0);
  state.fails = false;
  counter.record(KeyId(1), 1_000_000);
  await counter.close();
  expect(written.get(1)).toEqual({ count: 3_001, lastUsedAt: 1_002_999 });
});

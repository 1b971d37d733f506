import { expect, test } from 'vitest';
import { measureMemory } from '../../bench/memory.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** Three times as many as the lockout remembers. */
const ADDRESSES = 300_000;
/** The lockout's table takes 13 MB when it is full. */
const MOST_MB = 32;

test.runIf(LONG)(
  'the addresses of many clients take little memory, and the locked ones stay locked',
  async () => {
    const { differenceMb, stillLocked, locked } = await measureMemory(ADDRESSES, temporaryDirectory());
    expect(differenceMb).toBeLessThanOrEqual(MOST_MB);
    expect(stillLocked).toBe(locked);
  },
  600_000,
);

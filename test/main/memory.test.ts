import { expect, test } from 'vitest';
import { measureMemory } from '../../bench/memory.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** Fewer addresses would measure the garbage collector more than the addresses. */
const ADDRESSES = 300_000;

test.runIf(LONG)(
  'the addresses of many clients take little memory, and the locked ones stay locked',
  async () => {
    const { differenceMb, many, locked } = await measureMemory(ADDRESSES, temporaryDirectory());
    expect(differenceMb).toBeLessThanOrEqual(64);
    expect(many.stillLocked).toBe(locked);
  },
  600_000,
);

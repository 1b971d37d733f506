import { hash } from 'node:crypto';
import type { CopiedRow } from '../db/copied.ts';

const MODULUS = 2n ** 256n;

/** What a table holds, in any order of its rows. */
export type TableDigest = { rows: number; digest: string };

/**
 * Adds up the SHA-256 of all rows, modulo 2^256, because the engines sort text differently. A digest finds what a copy
 * loses or changes by accident. It is no proof against somebody who chooses the rows.
 */
export function digestRows() {
  let rows = 0;
  let sum = 0n;
  return {
    add(row: CopiedRow): void {
      const sorted = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
      sum = (sum + BigInt(`0x${hash('sha256', JSON.stringify(sorted))}`)) % MODULUS;
      rows++;
    },
    result: (): TableDigest => ({ rows, digest: sum.toString(16).padStart(64, '0') }),
  };
}

import { randomBytes } from 'node:crypto';
import { allocateKnownKeys } from './known-keys.ts';
import { allocateTable, releaseHeldBy, type TableMemory } from './shared-table.ts';

/** The memory of one lockout, which threads share. */
export type LockoutMemory = Readonly<{
  table: TableMemory;
  known: SharedArrayBuffer;
  /** The secret of the digests in the two tables. */
  secret: string;
}>;

const MAX_ADDRESSES = 100_000;

/** The longest address is an IPv6 /64 written in full. */
const ADDRESS_BYTES = 24;

/** 100,000 pairs of address and credential, about 1.6 MB when all are in use. */
const KNOWN_SETS = 6_250;

/** Memory for a lockout that several threads share. */
export const allocateLockout = (
  { attempts }: Readonly<{ attempts: number }>,
  addresses = MAX_ADDRESSES,
  nameBytes = ADDRESS_BYTES,
): LockoutMemory => ({
  table: allocateTable(attempts, addresses, nameBytes),
  known: allocateKnownKeys(KNOWN_SETS),
  secret: randomBytes(16).toString('base64'),
});

/** Frees the memory when the thread that held it has ended. */
export const releaseLockout = ({ table }: LockoutMemory, deadThread: number) =>
  releaseHeldBy(table, deadThread);

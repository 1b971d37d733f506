import type { Db } from './db/tables.ts';
import { type BcryptPool, createBcryptPool } from './keys/bcrypt-pool.ts';
import type { startHashingThreads } from './keys/hashing-threads.ts';
import { createProver, type ProverParts } from './keys/prove.ts';
import { createForeignProver } from './keys/prove-foreign.ts';
import type { Clock } from './lib/clock.ts';

/** Proofs of keys of other systems take seconds, so they must not keep all threads of the others busy. */
const FOREIGN_THREADS = 2;

export type ProverSettings = Readonly<{
  db: Db;
  clock: Clock;
  fingerprintOf: ProverParts['fingerprintOf'];
  bcrypt: BcryptPool;
  onThreadError: (error: unknown) => void;
  startThreads: typeof startHashingThreads;
}>;

/** Builds what proves a key that has no fingerprint yet. */
export function composeProver(settings: ProverSettings, parts: AsyncDisposableStack) {
  const { db, clock, fingerprintOf, bcrypt, onThreadError, startThreads } = settings;
  const threads = parts.adopt(
    startedWhenUsed(() => createBcryptPool(bcrypt.cost, FOREIGN_THREADS, onThreadError, startThreads)),
    ({ close }) => close(),
  );
  const foreign = createForeignProver({ db, bcrypt: threads, clock });
  return createProver({ db, fingerprintOf, bcrypt, foreign, clock });
}

/** Most databases have no key of another system, and need no more threads. */
function startedWhenUsed(start: () => BcryptPool): Pick<BcryptPool, 'find' | 'hash' | 'close'> {
  let started: BcryptPool | undefined;
  const pool = () => {
    started ??= start();
    return started;
  };
  return {
    find: async (task) => pool().find(task),
    hash: async (task) => pool().hash(task),
    close: async () => started?.close(),
  };
}

import type { BackgroundWriter } from './db/engine.ts';
import type { Db } from './db/tables.ts';
import { type BcryptPool, createBcryptPool } from './keys/bcrypt-pool.ts';
import { createHashLater } from './keys/hash-later.ts';
import type { startHashingThreads } from './keys/hashing-threads.ts';
import { createProver, type ProverParts } from './keys/prove.ts';
import { createForeignProver, type ForeignProverParts } from './keys/prove-foreign.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { onUnwritten } from './lib/unwritten.ts';

/**
 * Proofs of keys of other systems take seconds, so they have threads of their own: two in all, and each worker at least
 * one.
 */
const foreignThreads = (workers: number) => Math.max(1, Math.floor(2 / workers));

export type ProverSettings = Readonly<{
  db: Db;
  writer: BackgroundWriter;
  logger: Logger;
  clock: Clock;
  fingerprintOf: ProverParts['fingerprintOf'];
  previousFingerprintOf: ForeignProverParts['previousFingerprintOf'];
  bcrypt: BcryptPool;
  onThreadError: (error: unknown) => void;
  startThreads: typeof startHashingThreads;
  workers: number;
}>;

/** Builds what proves a key that has no fingerprint yet, and what gives a key its hash that has none. */
export function composeProver(settings: ProverSettings, parts: AsyncDisposableStack) {
  const { db, writer, logger, clock, fingerprintOf, previousFingerprintOf, bcrypt, workers } = settings;
  const { onThreadError, startThreads } = settings;
  const count = foreignThreads(workers);
  const pool = parts.adopt(
    startedWhenUsed(() => createBcryptPool(bcrypt.cost, count, onThreadError, startThreads)),
    ({ close }) => close(),
  );
  const foreign = createForeignProver({
    ...{ db, bcrypt: pool, threads: count, previousFingerprintOf, clock },
  });
  const onError = onUnwritten(logger, 'imported keys could not get their hashes yet');
  const { onRead } = parts.adopt(createHashLater({ db, writer, bcrypt, onError }), ({ close }) => close());
  return { proveByHash: createProver({ db, fingerprintOf, bcrypt, foreign, clock }), onRead };
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

import { LRUCache } from 'lru-cache';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { type Fingerprint, KeyId, type RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { lazily } from '../lib/lazily.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { bcryptInputOf } from './digests.ts';
import {
  type ForeignRow,
  findBySha256,
  findForeignBcrypt,
  findSettled,
  isRetired,
  settle,
} from './foreign-store.ts';
import type { ApiKey } from './key.ts';
import { hintOf, MIN_KEY_LENGTH } from './key-format.ts';
import { findCompared } from './secret-store.ts';

/** bcrypt ignores what follows, so a longer key would be as good as its beginning. */
const MAX_BCRYPT_BYTES = 72;

/** How many proofs of one client wait. Each takes some seconds. */
const MAX_WAITING = 8;

const REFUSED_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

export type ForeignProverParts = Readonly<{
  db: Db;
  /** Threads of its own: these proofs take long, and anybody can cause one. */
  bcrypt: Pick<BcryptPool, 'find' | 'hash'>;
  clock: Pick<Clock, 'monotonic'>;
}>;

/** @returns undefined when no row is the key's */
export type ProveForeign = (
  rawKey: RawKey,
  fingerprint: Fingerprint,
  client: string | undefined,
) => Promise<ApiKey | undefined>;

/**
 * Makes the functions that compare a key with the digests of other systems. A row that matches gets its own digests, so
 * that this happens once.
 */
export function createForeignProver({ db, bcrypt, clock }: ForeignProverParts) {
  /** The last row that a key was compared with. An import adds rows after it. */
  const comparedUpTo = lazily(
    () =>
      new LRUCache<Fingerprint, KeyId>({
        max: MAX_REMEMBERED,
        ttl: REFUSED_MS,
        perf: { now: clock.monotonic },
        ttlResolution: 0,
      }),
  );
  const inTurn = createClientTurns();

  async function proven(
    row: ForeignRow,
    rawKey: RawKey,
    fingerprint: Fingerprint,
    client: string | undefined,
  ): Promise<ApiKey | undefined> {
    if (await isRetired(db, fingerprint)) return undefined;
    // Without this hash, the key would be lost with the pepper. Its proof must not fail for that.
    const hash = await bcrypt.hash({ client, input: bcryptInputOf(rawKey) }).catch(() => '');
    const digests = { hint: hintOf(rawKey), fingerprint, hash };
    const stored = await transaction(db, (tx) => settle(tx, row, digests)).catch(() => undefined);
    // The key is valid even if nothing can be written. Then it is compared again the next time.
    return stored ?? (await findSettled(db, fingerprint)) ?? findCompared(db, row);
  }

  const bySha256: ProveForeign = async (rawKey, fingerprint, client) => {
    if (rawKey.length < MIN_KEY_LENGTH) return undefined;
    const row = await findBySha256(db, rawKey);
    return row && proven(row, rawKey, fingerprint, client);
  };

  const byBcrypt: ProveForeign = async (rawKey, fingerprint, client) => {
    if (rawKey.length < MIN_KEY_LENGTH || Buffer.byteLength(rawKey) > MAX_BCRYPT_BYTES) return undefined;
    const rows = await findForeignBcrypt(db, comparedUpTo().get(fingerprint) ?? KeyId(0));
    if (rows.length === 0) return undefined;
    const match = rows[await bcrypt.find({ client, input: rawKey, hashes: rows.map(({ hash }) => hash) })];
    const key = match && (await proven(match, rawKey, fingerprint, client));
    if (key) return key;
    comparedUpTo().set(fingerprint, KeyId(Math.max(...rows.map(({ id }) => id))));
    return undefined;
  };

  return {
    bySha256,
    byBcrypt: ((rawKey, fingerprint, client) =>
      inTurn(client, () => byBcrypt(rawKey, fingerprint, client))) satisfies ProveForeign,
  };
}

/** Runs one task of a client at a time. */
function createClientTurns() {
  const last = new Map<string | undefined, { count: number; end: Promise<unknown> }>();
  return async <T>(client: string | undefined, task: () => Promise<T>): Promise<T> => {
    const before = last.get(client) ?? { count: 0, end: Promise.resolve() };
    if (before.count > MAX_WAITING)
      throw new DomainError({ code: 'overloaded', reason: 'hashing', retryAfter: 5 });
    const result = before.end.then(task);
    const lane = { count: before.count + 1, end: result.catch(() => undefined) };
    last.set(client, lane);
    try {
      return await result;
    } finally {
      const now = last.get(client);
      if (now) now.count -= 1;
      if (now?.count === 0) last.delete(client);
    }
  };
}

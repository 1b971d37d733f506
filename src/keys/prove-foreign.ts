import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { type Fingerprint, KeyId, type RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { expiringCache } from '../lib/lazily.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { bcryptInputOf } from './digests.ts';
import {
  deactivateRetired,
  type ForeignRow,
  findBySha256,
  findForeignBcrypt,
  findSettled,
  isRetired,
  settle,
} from './foreign-store.ts';
import { createForeignTurns, type TakeTurn } from './foreign-turns.ts';
import type { ApiKey } from './key.ts';
import { hintOf, MIN_KEY_LENGTH } from './key-format.ts';
import { findCompared } from './secret-store.ts';

/** bcrypt ignores what follows, so a longer key would be as good as its beginning. */
const MAX_BCRYPT_BYTES = 72;

/** How many hashes a proof compares before others have a turn. */
const STEP = 4;

const REFUSED_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

export type ForeignProverParts = Readonly<{
  db: Db;
  /** Threads of its own: these proofs take long, and anybody can cause one. */
  bcrypt: Pick<BcryptPool, 'find' | 'hash'>;
  threads: number;
  /** While the pepper changes. */
  previousFingerprintOf?: ((rawKey: RawKey) => Fingerprint) | undefined;
  clock: Pick<Clock, 'monotonic' | 'now'>;
}>;

/** A key, and who presents it. */
type Presented = Readonly<{ rawKey: RawKey; fingerprint: Fingerprint; client: string | undefined }>;

/**
 * Makes the functions that compare a key with the digests of other systems. A row that matches gets its own digests, so
 * that this happens once.
 */
export function createForeignProver(parts: ForeignProverParts) {
  const { db, bcrypt, threads, previousFingerprintOf, clock } = parts;
  /** The last row that a key was compared with. An import adds rows after it. */
  const comparedUpTo = expiringCache<Fingerprint, KeyId>(clock, { max: MAX_REMEMBERED, ttl: REFUSED_MS });
  const inTurns = createForeignTurns(threads, clock);

  async function proven(
    row: ForeignRow,
    { rawKey, fingerprint, client }: Presented,
  ): Promise<ApiKey | undefined> {
    const fingerprints = previousFingerprintOf ? [fingerprint, previousFingerprintOf(rawKey)] : [fingerprint];
    if (await isRetired(db, fingerprints)) {
      // The key is refused even if nothing can be written.
      await transaction(db, (tx) => deactivateRetired(tx, row, clock.now())).catch(() => undefined);
      return undefined;
    }
    // Without this hash, the key would be lost with the pepper. Its proof must not fail for that.
    const hash = await bcrypt.hash({ client, input: bcryptInputOf(rawKey) }).catch(() => '');
    const digests = { hint: hintOf(rawKey), fingerprint, hash };
    const stored = await transaction(db, (tx) => settle(tx, row, digests)).catch(() => undefined);
    // The key is valid even if nothing can be written. Then it is compared again the next time.
    return stored ?? (await findSettled(db, fingerprint)) ?? findCompared(db, row);
  }

  /** @throws DomainError `overloaded` when it loses its place. The next request with the key continues */
  async function compare(
    rows: readonly ForeignRow[],
    presented: Presented,
    takeTurn: TakeTurn,
  ): Promise<ApiKey | undefined> {
    const { rawKey: input, fingerprint, client } = presented;
    const [step, rest] = [rows.slice(0, STEP), rows.slice(STEP)];
    const hashes = step.map(({ hash }) => hash);
    const found = await takeTurn(step.length, () => bcrypt.find({ client, input, hashes }));
    const match = step[found];
    const key = match && (await proven(match, presented));
    if (key) return key;
    if (match || rest.length === 0) return undefined;
    // The active rows come first, so an older row may still be among the rest.
    comparedUpTo().set(fingerprint, KeyId(Math.min(...rest.map(({ id }) => id)) - 1));
    return compare(rest, presented, takeTurn);
  }

  return {
    /** @returns undefined when no row is the key's */
    async bySha256(presented: Presented): Promise<ApiKey | undefined> {
      if (presented.rawKey.length < MIN_KEY_LENGTH) return undefined;
      const row = await findBySha256(db, presented.rawKey);
      return row && proven(row, presented);
    },

    /**
     * @param isWanted whether somebody still waits for the result
     * @returns undefined when no row is the key's
     */
    async byBcrypt(presented: Presented, isWanted: () => boolean): Promise<ApiKey | undefined> {
      const { rawKey, fingerprint, client } = presented;
      if (rawKey.length < MIN_KEY_LENGTH || Buffer.byteLength(rawKey) > MAX_BCRYPT_BYTES) return undefined;
      const rows = await findForeignBcrypt(db, comparedUpTo().get(fingerprint) ?? KeyId(0));
      if (rows.length === 0) return undefined;
      const key = await inTurns(client, rows.length, isWanted, (takeTurn) =>
        compare(rows, presented, takeTurn),
      );
      if (!key) comparedUpTo().set(fingerprint, KeyId(Math.max(...rows.map(({ id }) => id))));
      return key;
    },
  };
}

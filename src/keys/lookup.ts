import { hash } from 'node:crypto';
import type { Reader } from '../db/engine.ts';
import { createEpochCache } from '../db/epoch-cache.ts';
import type { Db } from '../db/tables.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { bcryptInputOf } from './digests.ts';
import { type ApiKey, judge, type Verdict } from './key.ts';
import { hintOf, isWellFormed, MAX_KEY_LENGTH } from './key-format.ts';
import * as store from './store.ts';

/** About 2 MB. */
const CACHED_KEYS = 10_000;
/** For clients that continue to send a key that is no longer valid. */
const CACHED_REFUSALS = 1_000;

/** Why a key is refused: it has no row, or its row is not usable. */
type Refusal = { key: ApiKey | undefined };

/** No usable key exists, so nobody can guess one. */
type NoUsableKey = { code: 'NO_USABLE_KEY' };

/** No row has the key's fingerprint, but some rows have none. Only bcrypt can compare the key with these. */
type Unproven = { code: 'UNPROVEN'; prove: () => Promise<Verdict | NoUsableKey> };

export type KeyLookup = {
  /** Verifies a raw key. With SQLite and without bcrypt, the result is not a promise. */
  lookUp(rawKey: RawKey): MaybePromise<Verdict | Unproven>;
  hasUsableKey(): MaybePromise<boolean>;
};

export type KeyLookupParts = {
  db: Db;
  reader: Reader;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  bcrypt: Pick<BcryptPool, 'find'>;
};

const usableOnly = (key: ApiKey | undefined) => (judge(key).code === 'VALID' ? key : undefined);

/**
 * Looks keys up by their fingerprint. Results are cached until anybody commits a change. Keys that are not usable have a
 * small cache of their own, so guesses cannot displace the keys that others use.
 */
export function createKeyLookup({ db, reader, fingerprintOf, bcrypt }: KeyLookupParts): KeyLookup {
  const reads = store.fastReads(db, reader);
  const usableKeys = createEpochCache<ApiKey>(reader.epoch, CACHED_KEYS);
  const refusals = createEpochCache<Refusal>(reader.epoch, CACHED_REFUSALS);
  const cachedMissIsFinal = createEpochCache<boolean>(reader.epoch, 1);

  function find(rawKey: RawKey): MaybePromise<ApiKey | undefined> {
    if (rawKey.length > MAX_KEY_LENGTH) return undefined;
    // The cache holds no raw keys, and this digest takes a third of the time of a fingerprint.
    const digest = hash('sha256', rawKey, 'binary');
    const usable = usableKeys.get(digest);
    if (usable) return usable;
    const refusal = refusals.get(digest);
    if (refusal) return refusal.key;
    const found = read(rawKey);
    usableKeys.keep(digest, andThen(found, usableOnly));
    refusals.keep(
      digest,
      andThen(found, (key) => (usableOnly(key) ? undefined : { key })),
    );
    return found;
  }

  const read = (rawKey: RawKey): MaybePromise<ApiKey | undefined> =>
    isWellFormed(rawKey) ? reads.findByFingerprint(fingerprintOf(rawKey)) : undefined;

  /** Whether a key without a row is certainly invalid: usable keys exist, and every row has a fingerprint. */
  function isMissFinal(): MaybePromise<boolean | undefined> {
    const cached = cachedMissIsFinal.get('');
    if (cached !== undefined) return cached;
    const isFinal = andThen(reads.hasUsableKey(), (hasUsable) =>
      hasUsable ? andThen(reads.hasKeyWithoutFingerprint(), (has) => !has) : false,
    );
    cachedMissIsFinal.keep('', isFinal);
    return isFinal;
  }

  async function prove(rawKey: RawKey): Promise<Verdict | NoUsableKey> {
    const verdict = judge((await read(rawKey)) ?? (await proveByHash(rawKey)));
    return verdict.code === 'VALID' || (await reads.hasUsableKey()) ? verdict : { code: 'NO_USABLE_KEY' };
  }

  /** Compares with the rows that have no fingerprint. A row that matches gets one, so that this happens once. */
  async function proveByHash(rawKey: RawKey): Promise<ApiKey | undefined> {
    if (!isWellFormed(rawKey)) return undefined;
    const candidates = await store.findKeysWithoutFingerprint(db, hintOf(rawKey));
    if (candidates.length === 0) return undefined;
    const hashes = candidates.map(({ hash: candidate }) => candidate);
    const proven = candidates[await bcrypt.find(bcryptInputOf(rawKey), hashes)];
    if (!proven) return undefined;
    const stored = db
      .transaction()
      .execute((tx) => store.setFingerprint(tx, proven.id, fingerprintOf(rawKey)));
    // The key is valid even if its fingerprint cannot be written. Then bcrypt compares it again the next time.
    return stored.catch(() => store.findKey(db, proven.id));
  }

  return {
    lookUp: (rawKey) =>
      andThen(find(rawKey), (key): MaybePromise<Verdict | Unproven> => {
        const verdict = judge(key);
        if (verdict.code === 'VALID') return verdict;
        // Every refusal takes the same steps, so that its duration does not reveal whether the key exists.
        return andThen(isMissFinal(), (isFinal) =>
          key || isFinal ? verdict : { code: 'UNPROVEN', prove: () => prove(rawKey) },
        );
      }),
    hasUsableKey: reads.hasUsableKey,
  };
}

import { hash } from 'node:crypto';
import type { Reader } from '../db/engine.ts';
import { createEpochCache } from '../db/epoch-cache.ts';
import type { Db } from '../db/tables.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { type ApiKey, isUsable, judge, type Verdict } from './key.ts';
import { isWellFormed, MAX_KEY_LENGTH } from './key-format.ts';
import type { createProver } from './prove.ts';
import * as store from './store.ts';

/** About 2 MB. */
const CACHED_KEYS = 10_000;
/** For clients that continue to send a key that is no longer valid. */
const CACHED_REFUSALS = 1_000;

/** Why a key is refused: it has no row, or its row is not usable. */
type Refusal = { key: ApiKey | undefined };

export type ProvenVerdict =
  | Verdict
  /** No usable key exists, so nobody can guess one. */
  | { code: 'NO_USABLE_KEY' }
  /** The key was compared with as many rows as one request may use. The next request continues. */
  | { code: 'UNDECIDED' };

/**
 * No row has the key's fingerprint, but some rows have none. Only bcrypt can compare the key with these. `client` waits
 * for that, and the clients are served in turn.
 */
type Unproven = { code: 'UNPROVEN'; prove: (client: string | undefined) => Promise<ProvenVerdict> };

export type KeyLookup = {
  /** Verifies a raw key. With SQLite and without bcrypt, the result is not a promise. */
  lookUp(rawKey: RawKey): MaybePromise<Verdict | Unproven>;
  hasUsableKey(): MaybePromise<boolean>;
};

export type KeyLookupParts = {
  db: Db;
  reader: Reader;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  proveByHash: ReturnType<typeof createProver>;
};

const usableOnly = (key: ApiKey | undefined) => (key && isUsable(key) ? key : undefined);

/**
 * Looks keys up by their fingerprint. Results are cached until anybody commits a change. Keys that are not usable have a
 * small cache of their own, so guesses cannot displace the keys that others use.
 */
export function createKeyLookup({ db, reader, fingerprintOf, proveByHash }: KeyLookupParts): KeyLookup {
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

  async function prove(rawKey: RawKey, client: string | undefined): Promise<ProvenVerdict> {
    if (!(await reads.hasUsableKey())) return { code: 'NO_USABLE_KEY' };
    const found = await read(rawKey);
    if (found || !isWellFormed(rawKey)) return judge(found);
    const proof = await proveByHash(rawKey, client);
    if (proof.state === 'undecided') return { code: 'UNDECIDED' };
    return judge(proof.state === 'proven' ? proof.key : undefined);
  }

  return {
    lookUp: (rawKey) =>
      andThen(find(rawKey), (key): MaybePromise<Verdict | Unproven> => {
        const verdict = judge(key);
        if (verdict.code === 'VALID') return verdict;
        // Every refusal takes the same steps, so that its duration does not reveal whether the key exists.
        return andThen(isMissFinal(), (isFinal) =>
          key || isFinal ? verdict : { code: 'UNPROVEN', prove: (client) => prove(rawKey, client) },
        );
      }),
    hasUsableKey: reads.hasUsableKey,
  };
}

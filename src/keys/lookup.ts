import { hash } from 'node:crypto';
import type { Reader } from '../db/engine.ts';
import { createEpochCache } from '../db/epoch-cache.ts';
import type { Db } from '../db/tables.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { type ApiKey, type Circumstances, hasExpired, isUsable, judge, type Verdict } from './key.ts';
import { isWellFormed, MAX_KEY_LENGTH } from './key-format.ts';
import type { PepperMove } from './pepper-move.ts';
import type { Connection, createProver } from './prove.ts';
import * as store from './store.ts';

/** About 2 MB. */
const CACHED_KEYS = 10_000;
/** For clients that continue to send a key that is no longer valid. */
const CACHED_REFUSALS = 1_000;

/** Why a key is refused: it has no row, or its row is not usable. */
type Refusal = { key: ApiKey | undefined };

/** No usable key exists, so nobody can guess one. */
type NoUsableKey = { code: 'NO_USABLE_KEY' };

export type ProvenVerdict =
  | Verdict
  | NoUsableKey
  /** The key was compared with as many rows as one request may use. The next request continues. */
  | { code: 'UNDECIDED' };

/** @param connection the one that waits. A long proof gives way to others when it has ended */
type Prove = (client: string | undefined, connection?: Connection) => Promise<ProvenVerdict>;

/**
 * No row has the key's fingerprint, but some rows have none. Only bcrypt can compare the key with these. `client` waits
 * for that, and the clients are served in turn.
 */
type Unproven = { code: 'UNPROVEN'; prove: Prove };

/** Whether a key without a row is certainly invalid: usable keys exist, and every row has a fingerprint. */
type Meaning = 'final' | 'unproven' | 'unconfigured';

const meaningWhere = (hasKeyWithoutFingerprint: boolean): Meaning =>
  hasKeyWithoutFingerprint ? 'unproven' : 'final';

/** The address that presents a key; undefined when it is not known. */
type Ip = Circumstances['ip'];

export type KeyLookup = {
  /**
   * Verifies a raw key. Unless `allowsPending`, a key of an account that waits for approval is unknown. With SQLite and without bcrypt, the result is not a promise.
   */
  lookUp(rawKey: RawKey, ip: Ip, allowsPending?: boolean): MaybePromise<Verdict | NoUsableKey | Unproven>;
  /** Whether a key is usable that no file declares. Without one, the next step is to register the first key. */
  hasUsableKey(): MaybePromise<boolean>;
};

export type KeyLookupParts = {
  db: Db;
  reader: Reader;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  proveByHash: ReturnType<typeof createProver>;
  clock: Pick<Clock, 'now'>;
  /** While keys move to another pepper. */
  pepperMove?: PepperMove | undefined;
  /** Called for each usable key that is read from the database. */
  onRead?: (key: ApiKey, rawKey: RawKey) => void;
  /** Called for each look-up. */
  onLookUp?: (isCached: boolean) => void;
};

/**
 * Looks keys up by their fingerprint. Results are cached until anybody commits a change. Keys that are not usable have a
 * small cache of their own, so guesses cannot displace the keys that others use.
 */
export function createKeyLookup({
  db,
  reader,
  fingerprintOf,
  proveByHash,
  clock,
  pepperMove,
  onRead = () => undefined,
  onLookUp = () => undefined,
}: KeyLookupParts): KeyLookup {
  const reads = store.fastReads(db, reader);
  const usableKeys = createEpochCache<ApiKey>(reader.epoch, CACHED_KEYS);
  const refusals = createEpochCache<Refusal>(reader.epoch, CACHED_REFUSALS);
  const meaning = createEpochCache<Meaning>(reader.epoch, 1);

  function find(rawKey: RawKey, now: number): MaybePromise<ApiKey | undefined> {
    if (rawKey.length > MAX_KEY_LENGTH) return undefined;
    // The cache holds no raw keys, and this digest takes a third of the time of a fingerprint.
    const digest = hash('sha256', rawKey, 'binary');
    const usable = usableKeys.get(digest);
    const isFresh = usable !== undefined && !hasExpired(usable, now);
    const refusal = isFresh ? undefined : refusals.get(digest);
    onLookUp(isFresh || refusal !== undefined);
    if (isFresh) return usable;
    if (refusal) return refusal.key;
    const found = andThen(read(rawKey, now), (key) => {
      if (key && isUsable(key, now)) onRead(key, rawKey);
      return key;
    });
    usableKeys.keep(
      digest,
      andThen(found, (key) => (key && isUsable(key, now) ? key : undefined)),
    );
    refusals.keep(
      digest,
      andThen(found, (key) => (key && isUsable(key, now) ? undefined : { key })),
    );
    return found;
  }

  const read = (rawKey: RawKey, now: number): MaybePromise<ApiKey | undefined> => {
    if (!isWellFormed(rawKey)) return undefined;
    return pepperMove ? readEither(rawKey, now, pepperMove) : readOne(rawKey);
  };

  const readOne = (rawKey: RawKey) => reads.findByFingerprint(fingerprintOf(rawKey));

  /**
   * Under the present pepper, or under the previous one. Every key that is not usable takes the same three reads, so that
   * their duration does not reveal whether it exists.
   */
  const readEither = (
    rawKey: RawKey,
    now: number,
    { previousFingerprintOf, move }: PepperMove,
  ): MaybePromise<ApiKey | undefined> =>
    andThen(readOne(rawKey), (key) => {
      if (key && isUsable(key, now)) return key;
      const previous = previousFingerprintOf(rawKey);
      return andThen(reads.findByFingerprint(previous), (found) => {
        if (found) move(found.id, previous, fingerprintOf(rawKey));
        // Another process may have moved it between the two reads.
        return andThen(readOne(rawKey), (moved) => moved ?? found);
      });
    });

  /** A key that does not expire answers for all others, and the usual database has one. */
  const hasUsableKey = (): MaybePromise<boolean> =>
    andThen(reads.hasLastingKey(), (has) => has || reads.hasEndingKey(clock.now()));

  /** The same, of declared keys as well. */
  const hasLastingKey = () => andThen(reads.hasLastingKey(), (has) => has || reads.hasLastingDeclaredKey());

  const canBeGuessed = (): MaybePromise<boolean> =>
    andThen(hasLastingKey(), (has) => has || reads.hasAnyEndingKey(clock.now()));

  /** What a refusal means. It depends on the other keys alone. */
  function meaningOfRefusal(): MaybePromise<Meaning> {
    const cached = meaning.get('');
    if (cached !== undefined) return cached;
    const hasLasting = hasLastingKey();
    const found = andThen(hasLasting, (has) =>
      andThen(has || reads.hasAnyEndingKey(clock.now()), (hasUsable) =>
        hasUsable ? andThen(reads.hasKeyWithoutFingerprint(), meaningWhere) : 'unconfigured',
      ),
    );
    // The last usable key can expire without a commit, so only a key that does not expire is kept.
    meaning.keep(
      '',
      andThen(hasLasting, (has) => (has ? found : undefined)),
    );
    return found;
  }

  async function prove(
    rawKey: RawKey,
    { ip, allowsPending }: Omit<Circumstances, 'now'>,
    ...waiter: Parameters<Prove>
  ): Promise<ProvenVerdict> {
    if (!(await canBeGuessed())) return { code: 'NO_USABLE_KEY' };
    const found = await read(rawKey, clock.now());
    if (found || !isWellFormed(rawKey)) return judge(found, { now: clock.now(), ip, allowsPending });
    const proof = await proveByHash(rawKey, ...waiter);
    if (proof.state === 'undecided') return { code: 'UNDECIDED' };
    return judge(proof.state === 'proven' ? proof.key : undefined, { now: clock.now(), ip, allowsPending });
  }

  return {
    lookUp(rawKey, ip, allowsPending = false) {
      const now = clock.now();
      return andThen(find(rawKey, now), (key): ReturnType<KeyLookup['lookUp']> => {
        const verdict = judge(key, { now, ip, allowsPending });
        if (verdict.code === 'VALID') return verdict;
        // Every refusal takes the same steps, so that its duration does not reveal whether the key exists.
        return andThen(meaningOfRefusal(), (means): ReturnType<KeyLookup['lookUp']> => {
          if (means === 'unconfigured') return { code: 'NO_USABLE_KEY' };
          if (key || means === 'final') return verdict;
          return { code: 'UNPROVEN', prove: (...waiter) => prove(rawKey, { ip, allowsPending }, ...waiter) };
        });
      });
    },
    hasUsableKey,
  };
}

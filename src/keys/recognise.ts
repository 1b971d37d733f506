import { hash } from 'node:crypto';
import type { Reader } from '../db/database.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { ApiKey } from './key.ts';
import { isWellFormed, MAX_LENGTH } from './secret.ts';
import type { ShortReads } from './store.ts';
import { judge, type Verdict } from './verify.ts';

/** Keys in each of two generations: some 2 MB. */
const GENERATION = 5_000;

/**
 * Tells what a key is by its fingerprint, at once where the database lets it. What was found is kept in memory for one
 * epoch of the database, which is asked for before every use of it: so it is never staler than that.
 *
 * Undefined when that takes longer to find out: a row has no fingerprint and can only be proved by its bcrypt hash, or
 * there is no usable key at all.
 */
export function createRecognise(
  reads: ShortReads,
  readEpoch: Reader['epoch'],
  fingerprintOf: (rawKey: string) => string,
) {
  const found = recentlyFound<ApiKey>(GENERATION);
  let isOrdinary: boolean | undefined;
  let epoch: number | undefined;

  function currentEpoch(): number | undefined {
    const now = readEpoch();
    if (now !== epoch) {
      found.clear();
      isOrdinary = undefined;
      epoch = now;
    }
    return now;
  }

  /** Keeps what was read since `asOf`, unless something was committed meanwhile. */
  function remember<T>(
    value: MaybePromise<T>,
    asOf: number | undefined,
    keep: (value: T) => void,
  ): MaybePromise<T> {
    if (asOf === undefined) return value;
    if (!(value instanceof Promise)) {
      keep(value);
      return value;
    }
    return value.then((known) => {
      if (currentEpoch() === asOf) keep(known);
      return known;
    });
  }

  function read(rawKey: string): MaybePromise<ApiKey | undefined> {
    return isWellFormed(rawKey) ? reads.findKeyByFingerprint(fingerprintOf(rawKey)) : undefined;
  }

  function find(rawKey: string, asOf: number | undefined): MaybePromise<ApiKey | undefined> {
    if (asOf === undefined || rawKey.length > MAX_LENGTH) return read(rawKey);
    // What is remembered holds no raw key; and a plain digest of one is a third of the time of its fingerprint.
    const digest = hash('sha256', rawKey, 'binary');
    return (
      found.get(digest) ??
      remember(read(rawKey), asOf, (key) => {
        // What is no key is not kept, so that a guesser cannot push out what others use.
        if (key) found.set(digest, key);
      })
    );
  }

  /** Whether what has no row is no key: there are keys, and each has its fingerprint. */
  function areAllOrdinary(asOf: number | undefined): MaybePromise<boolean> {
    if (isOrdinary !== undefined) return isOrdinary;
    const ordinary = andThen(reads.hasUsableKey(), (hasUsable) =>
      hasUsable ? andThen(reads.hasKeyWithoutFingerprint(), (has) => !has) : false,
    );
    return remember(ordinary, asOf, (known) => {
      isOrdinary = known;
    });
  }

  return (rawKey: string): MaybePromise<Verdict | undefined> => {
    const asOf = currentEpoch();
    return andThen(find(rawKey, asOf), (key) =>
      key
        ? judge(key)
        : andThen(areAllOrdinary(asOf), (ordinary) => (ordinary ? judge(undefined) : undefined)),
    );
  };
}

/**
 * Remembers what was used lately. When the young are many, they become the old, and the old are dropped; what is
 * asked for again becomes young. That bounds the memory without keeping anything in order.
 */
function recentlyFound<V>(generation: number) {
  let young = new Map<string, V>();
  let old = new Map<string, V>();
  function set(name: string, value: V): void {
    young.set(name, value);
    if (young.size < generation) return;
    old = young;
    young = new Map();
  }
  return {
    get(name: string): V | undefined {
      const value = young.get(name);
      if (value !== undefined) return value;
      const older = old.get(name);
      if (older !== undefined) set(name, older);
      return older;
    },
    set,
    clear(): void {
      young.clear();
      old.clear();
    },
  };
}

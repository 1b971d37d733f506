import { hash } from 'node:crypto';
import type { Reader } from '../db/reader.ts';
import type { Db } from '../db/tables.ts';
import type { Pepper } from '../pepper/pepper.ts';
import type { ApiKey } from './key.ts';
import { fingerprintOf, isWellFormed, MAX_LENGTH } from './secret.ts';
import { immediateReads } from './store.ts';
import { judge, type Verdict } from './verify.ts';

/** Keys in each of two generations: some 2 MB. */
const GENERATION = 5_000;

/**
 * Tells what a key is without waiting. What was found is kept in memory until anybody commits anything to the
 * database, which is asked before every use of it: so it is never stale, and never needs to be told.
 *
 * Undefined when that takes longer to find out: a row has no fingerprint and can only be proved by its bcrypt hash, or
 * there is no usable key at all.
 */
export function createRecognise(db: Db, reader: Reader, pepper: Pepper) {
  const reads = immediateReads(db, reader);
  const found = recentlyFound<ApiKey | 'nothing'>(GENERATION);
  let isOrdinary: boolean | undefined;

  function find(rawKey: string): ApiKey | 'nothing' {
    if (!isWellFormed(rawKey)) return 'nothing';
    return reads.findKeyByFingerprint(fingerprintOf(pepper, rawKey)) ?? 'nothing';
  }

  return (rawKey: string): Verdict | undefined => {
    if (reader.hasChanged()) {
      found.clear();
      isOrdinary = undefined;
    }
    // Memory holds no raw key; and a plain digest of one is a third of the time of its fingerprint.
    const digest = hash('sha256', rawKey, 'base64');
    let key = found.get(digest);
    if (key === undefined) {
      key = find(rawKey);
      if (rawKey.length <= MAX_LENGTH) found.set(digest, key);
    }
    if (key !== 'nothing') return judge(key);
    isOrdinary ??= reads.hasUsableKey() && !reads.hasKeyWithoutFingerprint();
    return isOrdinary ? judge(undefined) : undefined;
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

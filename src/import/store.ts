import { createHash, hash } from 'node:crypto';
import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import { takeClaim } from '../bootstrap/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { createRelease } from '../declared-keys/release.ts';
import { countForeignBcrypt, MAX_FOREIGN_BCRYPT, sha256Form } from '../keys/foreign-store.ts';
import { hintOf } from '../keys/key-format.ts';
import { Fingerprint, type RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import type { Outcome, StoreKeys } from './import.ts';
import { findStored, findTraces, findUnclearHints, insertRows, leaveTraces, type NewRow } from './insert.ts';
import type { ImportedKey, ImportedSecret } from './record.ts';

export type ImportStoreParts = Readonly<{
  db: Db;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  /** The same under the previous pepper; undefined when the pepper does not change. */
  previousFingerprintOf: ((rawKey: RawKey) => Fingerprint) | undefined;
  clock: Pick<Clock, 'now'>;
}>;

/** How keys are stored. */
export type ImportStore = Readonly<{
  keep: StoreKeys;
  /** The same, and keys that a gateway declares become ordinary ones. */
  release: StoreKeys;
}>;

const ALREADY_THERE: Outcome = { state: 'already_there' };
const IMPORTED: Outcome = { state: 'imported' };
const UNCLEAR: Outcome = {
  state: 'refused',
  field: 'key',
  reason:
    'begins like a key that was not used since the pepper changed, and may be that key; import it again when that one was used or deleted',
};
const NO_ROOM: Outcome = {
  state: 'refused',
  field: 'bcrypt',
  reason: `must wait, because ${MAX_FOREIGN_BCRYPT} bcrypt hashes were not used yet; import it again when some were`,
};

export function createImportStore(parts: ImportStoreParts, isDryRun: boolean): ImportStore {
  const releaseDeclared = createRelease({ ...parts, onRelease: takeClaim });
  const keep: StoreKeys = (keys) => writing(parts.db, isDryRun, (tx) => insertKeys(parts, tx, keys));

  return {
    keep,
    async release(keys) {
      const fingerprints = keys.map(({ secret }) =>
        secret.kind === 'raw' ? parts.fingerprintOf(secret.rawKey) : undefined,
      );
      const released = await releaseDeclared(
        fingerprints.filter((fingerprint) => fingerprint !== undefined),
        isDryRun,
      );
      const isReleased = (i: number) => {
        const fingerprint = fingerprints[i];
        return fingerprint !== undefined && released.has(fingerprint);
      };
      const others = await keep(keys.filter((_, i) => !isReleased(i)));
      let next = 0;
      return keys.map((_, i): Outcome => (isReleased(i) ? undefined : others[next++]) ?? IMPORTED);
    },
  };
}

/** A digest of another system, as the column `hash` has it. */
const digestOf = (secret: Exclude<ImportedSecret, { kind: 'raw' }>): string =>
  secret.kind === 'sha256' ? sha256Form(secret.digest) : secret.hash;

/**
 * What stands for a secret when it is gone. For a digest it does not depend on the pepper: otherwise a key that was retired
 * could come back with an import after the pepper changed.
 */
const traceOf = (secret: ImportedSecret, fingerprintOf: ImportStoreParts['fingerprintOf']): Fingerprint =>
  secret.kind === 'raw'
    ? fingerprintOf(secret.rawKey)
    : Fingerprint(hash('sha256', digestOf(secret), 'base64url'));

/** What an import of the SHA-256 digest of a raw key has left. */
const traceOfDigest = (secret: ImportedSecret): Fingerprint | undefined =>
  secret.kind === 'raw'
    ? traceOf({ kind: 'sha256', digest: createHash('sha256').update(secret.rawKey).digest() }, Fingerprint)
    : undefined;

async function insertKeys(
  { fingerprintOf, previousFingerprintOf, clock }: ImportStoreParts,
  tx: Tx,
  keys: readonly ImportedKey[],
): Promise<Outcome[]> {
  const now = clock.now();
  const secrets = keys.map(({ secret }) => secret);
  const traces = secrets.map((secret) => traceOf(secret, fingerprintOf));
  const known = new Set([...(await findTraces(tx, traces)), ...(await findStored(tx, traces))]);
  const ofDigests = secrets.map(traceOfDigest);
  const knownDigests = await findTraces(
    tx,
    ofDigests.filter((trace) => trace !== undefined),
  );
  const unclear = await findUnclearHints(
    tx,
    secrets.flatMap((secret) => (secret.kind === 'raw' ? hintOf(secret.rawKey) : [])),
    previousFingerprintOf !== undefined,
  );
  const before = previousFingerprintOf && secrets.map((secret) => traceOf(secret, previousFingerprintOf));
  const old = before && new Set([...(await findTraces(tx, before)), ...(await findStored(tx, before))]);
  let room = keys.some(({ secret }) => secret.kind === 'bcrypt')
    ? MAX_FOREIGN_BCRYPT - (await countForeignBcrypt(tx))
    : 0;

  const outcomes: Outcome[] = [];
  const fresh = new Map<Fingerprint, NewRow>();
  for (const [i, key] of keys.entries()) {
    const trace = traces[i];
    const previous = before?.[i];
    const ofDigest = ofDigests[i];
    if (
      trace === undefined ||
      known.has(trace) ||
      (previous !== undefined && old?.has(previous)) ||
      (ofDigest !== undefined && knownDigests.has(ofDigest))
    )
      outcomes.push(ALREADY_THERE);
    else if (key.secret.kind === 'raw' && unclear.has(hintOf(key.secret.rawKey))) outcomes.push(UNCLEAR);
    else if (key.secret.kind === 'bcrypt' && room <= 0) outcomes.push(NO_ROOM);
    else {
      if (key.secret.kind === 'bcrypt') room -= 1;
      known.add(trace);
      fresh.set(trace, rowOf(key, trace, now));
      outcomes.push(IMPORTED);
    }
  }
  if (fresh.size === 0) return outcomes;

  // The digest of another system goes when its key is used. The other keys leave traces when they go.
  const digests = [...fresh].filter(([, { fingerprint }]) => fingerprint === null);
  if (digests.length > 0)
    await leaveTraces(
      tx,
      digests.map(([trace]) => trace),
    );
  const inserted = await insertRows(tx, [...fresh.values()]);
  // A key can be there although nobody has imported it.
  const isThere = ({ fingerprint }: NewRow) => fingerprint !== null && !inserted.has(fingerprint);
  const there = [...fresh.values()].filter(isThere);
  const imported = fresh.size - there.length;
  if (imported > 0) {
    // From now on, a stranger who could register the first key could manage these keys.
    await takeClaim(tx, now);
    await insertEvent(tx, {
      ...{ at: now, action: 'key.imported', actor: { kind: 'operator' }, address: null, keyId: null },
      ...{ changes: changesBetween(undefined, { imported }), requestId: null },
    });
  }
  if (there.length === 0) return outcomes;
  const thereAlready = new Set(there.map(({ fingerprint }) => fingerprint));
  return outcomes.map((outcome, i) => (thereAlready.has(traces[i] ?? null) ? ALREADY_THERE : outcome));
}

function rowOf(
  { secret, settings, isActive, createdAt }: ImportedKey,
  trace: Fingerprint,
  now: number,
): NewRow {
  const { expiresAt } = settings;
  return {
    ...{ settings, isActive, isExpired: expiresAt !== null && expiresAt <= now, createdAt: createdAt ?? now },
    ...(secret.kind === 'raw'
      ? { fingerprint: trace, hint: hintOf(secret.rawKey), hash: '' }
      : { fingerprint: null, hint: '', hash: digestOf(secret) }),
  };
}

/** What a dry run writes is taken back. */
async function writing<T>(db: Db, isDryRun: boolean, work: (tx: Tx) => Promise<T>): Promise<T> {
  const takenBack = new Error('a dry run');
  let result: T | undefined;
  try {
    return await transaction(db, async (tx) => {
      result = await work(tx);
      if (isDryRun) throw takenBack;
      return result;
    });
  } catch (error) {
    if (error !== takenBack) throw error;
    return result as T;
  }
}

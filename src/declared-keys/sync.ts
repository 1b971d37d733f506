import { createHash } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { DeclaredKey } from '../gateway-file/config.ts';
import { hintOf } from '../keys/key-format.ts';
import { toLabel } from '../keys/label.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import {
  changesOf,
  type Declared,
  type Differences,
  differencesBetween,
  type Part,
  partsOf,
  type Stored,
} from './differences.ts';
import { inParts, READ_AT_ONCE } from './parts.ts';
import { addTo, progressOf, type Result } from './progress.ts';
import * as store from './store.ts';
import { write } from './write.ts';

/** The result of making the rows the same as a file. */
export type Synced =
  /** The file has changed since it was parsed. Nothing was done: parse it again. */
  | { state: 'stale' }
  /** The rows were the same already. */
  | { state: 'unchanged' }
  | ({ state: 'changed' } & Result);

export type DeclaredKeys = {
  /**
   * Makes the rows of a gateway the same as its file, each change in one transaction with its audit event. Of several
   * threads and processes with the same file, one gets the result `changed`.
   * @param gateway `KEYHEARTH_GATEWAY_NAME`
   * @param isCurrent whether the file is still the one that was parsed. It is called inside each transaction
   * @throws DomainError when the database is busy or not available
   */
  sync(gateway: string, keys: readonly DeclaredKey[], isCurrent: () => boolean): Promise<Synced>;
  /** Whether the last file of a gateway declared keys. */
  hasKeys(gateway: string): Promise<boolean>;
};

export type DeclaredKeysParts = {
  db: Db;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  /** The same under the previous pepper; undefined when the pepper does not change. */
  previousFingerprintOf?: ((rawKey: RawKey) => Fingerprint) | undefined;
  clock: Pick<Clock, 'now'>;
};

/** So many changes are made in one transaction. Other changes wait for it, and must not wait for seconds. */
const PER_TRANSACTION = 500;
/** In between, others get the lock: those that find it taken try again within that time. */
const PAUSE_MS = 80;

export const createDeclaredKeys = ({
  db,
  fingerprintOf,
  previousFingerprintOf,
  clock,
}: DeclaredKeysParts): DeclaredKeys => ({
  async sync(gateway, keys, isCurrent) {
    const declared = await withoutSecrets(keys, fingerprintOf);
    const digest = digestOf(declared);
    if (await isSynced(db, gateway, digest)) return { state: isCurrent() ? 'unchanged' : 'stale' };

    if (previousFingerprintOf) await moveAll(db, keys, previousFingerprintOf, fingerprintOf);

    /** Writes what differs, unless the file has changed or somebody else was faster. */
    const step = (read: (tx: Tx) => Promise<Differences>, isLast: boolean) =>
      transaction(db, async (tx): Promise<Synced | undefined> => {
        if (!isCurrent()) return { state: 'stale' };
        if (await isSynced(tx, gateway, digest)) return { state: 'unchanged' };
        const task = { gateway, digest, now: clock.now() };
        return makeSame(tx, task, await read(tx), isLast);
      });

    const before = await readAll(db, gateway, declared);
    const { forgotten } = before;
    // The last part is written together with what has changed in the meantime.
    for (const part of partsOf(changesOf(before), PER_TRANSACTION).slice(0, -1)) {
      const synced = await step(async (tx) => ({ ...(await readPart(tx, gateway, part)), forgotten }), false);
      if (synced) return synced;
      await sleep(PAUSE_MS);
    }
    const last = await step((tx) => readAll(tx, gateway, declared), true);
    return last ?? { state: 'unchanged' };
  },

  hasKeys: async (gateway) => (await store.membersAfter(db, gateway, 0, 1)).length > 0,
});

/** Gives the rows that exist their fingerprints under the present pepper. */
async function moveAll(
  db: Db,
  keys: readonly DeclaredKey[],
  from: DeclaredKeysParts['fingerprintOf'],
  to: DeclaredKeysParts['fingerprintOf'],
): Promise<void> {
  await inParts(keys, READ_AT_ONCE, (some) =>
    transaction(db, async (tx) => {
      for (const { rawKey } of some) await store.setFingerprint(tx, from(rawKey), to(rawKey));
    }),
  );
}

/** Each key once. */
async function withoutSecrets(
  keys: readonly DeclaredKey[],
  fingerprintOf: DeclaredKeysParts['fingerprintOf'],
): Promise<Declared[]> {
  const declared = new Map<Fingerprint, Declared>();
  await inParts(keys, READ_AT_ONCE, async (some) => {
    for (const { rawKey, label } of some) {
      const fingerprint = fingerprintOf(rawKey);
      if (!declared.has(fingerprint))
        declared.set(fingerprint, { fingerprint, hint: hintOf(rawKey), label: toLabel(label) });
    }
  });
  return [...declared.values()];
}

/** Over fingerprints, so that it helps nobody to guess a short key, and differs under another pepper. */
function digestOf(declared: readonly Declared[]): string {
  const lines = declared.map(({ fingerprint, label }) => JSON.stringify([fingerprint, label]));
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64url');
}

const isSynced = async (handle: Db | Tx, gateway: string, digest: string): Promise<boolean> =>
  (await store.findGateway(handle, gateway)).digest === digest &&
  !(await store.hasDamagedRow(handle, gateway));

type Task = Readonly<{ gateway: string; digest: string; now: number }>;

/** @param isLast whether all differences are among these. @returns undefined otherwise */
async function makeSame(
  tx: Tx,
  { gateway, digest, now }: Task,
  differences: Differences,
  isLast: boolean,
): Promise<Synced | undefined> {
  const changes = changesOf(differences);
  await write(tx, { gateway, now }, changes);
  const before = await store.findGateway(tx, gateway);
  const done = addTo(progressOf(before.progress, digest), changes, differences);
  const state = isLast ? { digest, progress: '' } : { ...before, progress: JSON.stringify(done) };
  await store.storeGateway(tx, gateway, state, now);
  if (!isLast) return undefined;
  await store.removeDeleted(tx, gateway);
  return { state: 'changed', ...done.result };
}

async function readAll(
  handle: Db | Tx,
  gateway: string,
  declared: readonly Declared[],
): Promise<Differences> {
  const members = await readMembers(handle, gateway);
  return differencesBetween(declared, members, await findRows(handle, declared));
}

async function readPart(tx: Tx, gateway: string, { declared, ids }: Part): Promise<Differences> {
  // Somebody may have added some of the keys in the meantime.
  const found = await findRows(tx, declared);
  const members = await store.membersAmong(tx, gateway, [...ids, ...found.map(({ id }) => id)]);
  return differencesBetween(declared, members, found);
}

async function findRows(handle: Db | Tx, declared: readonly Declared[]): Promise<Stored[]> {
  const found: Stored[] = [];
  await inParts(declared, READ_AT_ONCE, async (some) => {
    const fingerprints = some.map(({ fingerprint }) => fingerprint);
    found.push(...(await store.findByFingerprints(handle, fingerprints)));
  });
  return found;
}

async function readMembers(handle: Db | Tx, gateway: string): Promise<Stored[]> {
  const members: Stored[] = [];
  for (;;) {
    const some = await store.membersAfter(handle, gateway, members.at(-1)?.id ?? 0, READ_AT_ONCE);
    members.push(...some);
    if (some.length < READ_AT_ONCE) return members;
    await nextTurn();
  }
}

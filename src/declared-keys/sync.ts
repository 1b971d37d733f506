import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NewEvent } from '../audit/event.ts';
import { insertEvents } from '../audit/store.ts';
import { lockTable } from '../db/differences.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { DeclaredKey } from '../gateway-file/config.ts';
import { hintOf } from '../keys/key-format.ts';
import { toLabel } from '../keys/label.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { type Declared, differencesBetween, type Kept, type Stored } from './differences.ts';
import * as events from './events.ts';
import * as store from './store.ts';

/** The result of making the rows the same as a file. Keys are named by their hints. */
export type Synced =
  /** The file has changed since it was parsed. Nothing was done: parse it again. */
  | { state: 'stale' }
  /** The rows were the same already. */
  | { state: 'unchanged' }
  | Readonly<{
      state: 'changed';
      added: readonly string[];
      removed: readonly string[];
      /** Only their labels changed, or their fingerprints were made again. */
      updated: number;
      /** They were stored in another way before. Their own settings decide about them. */
      foreign: readonly string[];
      /** Their settings are lost together with the pepper. */
      forgotten: readonly string[];
    }>;

export type DeclaredKeys = {
  /**
   * Makes the rows of a gateway the same as its file, in one transaction with the audit events. Of several threads and
   * processes with the same file, one makes the changes.
   * @param gateway `KEYHEARTH_GATEWAY_NAME`
   * @param isCurrent whether the file is still the one that was parsed. It is called inside the transaction, perhaps twice
   * @throws DomainError when the database is busy or not available
   */
  sync(gateway: string, keys: readonly DeclaredKey[], isCurrent: () => boolean): Promise<Synced>;
};

export type DeclaredKeysParts = {
  db: Db;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  clock: Pick<Clock, 'now'>;
};

/** So many keys are read or written at once. SQLite would block the thread, so others get a turn in between. */
const AT_ONCE = 250;

export const createDeclaredKeys = ({ db, fingerprintOf, clock }: DeclaredKeysParts): DeclaredKeys => ({
  async sync(gateway, keys, isCurrent) {
    const declared = await withoutSecrets(keys, fingerprintOf);
    const digest = digestOf(declared);
    if (await isSynced(db, gateway, digest)) return { state: isCurrent() ? 'unchanged' : 'stale' };
    return transaction(db, async (tx) => {
      await lockTable(tx, 'gateways');
      if (!isCurrent()) return { state: 'stale' };
      if (await isSynced(tx, gateway, digest)) return { state: 'unchanged' };
      const changed = await makeSame(tx, gateway, declared, clock.now());
      await store.storeDigest(tx, gateway, digest, clock.now());
      return changed;
    });
  },
});

/** Each key once. */
async function withoutSecrets(
  keys: readonly DeclaredKey[],
  fingerprintOf: DeclaredKeysParts['fingerprintOf'],
): Promise<Declared[]> {
  const declared = new Map<Fingerprint, Declared>();
  await inParts(keys, async (some) => {
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
  (await store.findDigest(handle, gateway)) === digest && !(await store.hasDamagedRow(handle, gateway));

async function makeSame(
  tx: Tx,
  gateway: string,
  declared: readonly Declared[],
  now: number,
): Promise<Synced> {
  await store.removeDeleted(tx, gateway);
  const members = await readMembers(tx, gateway);
  const found: Stored[] = [];
  await inParts(declared, async (some) => {
    const fingerprints = some.map(({ fingerprint }) => fingerprint);
    found.push(...(await store.findByFingerprints(tx, fingerprints)));
  });
  const differences = differencesBetween(declared, members, found);
  const context = { actor: { kind: 'gateway', label: gateway }, at: now } as const;
  const recorded: NewEvent[] = [];

  await inParts(differences.added, async (some) => {
    const inserted = await store.insertDeclared(tx, some, now);
    const ids = new Map(inserted.map(({ fingerprint, id }) => [fingerprint, id]));
    await store.addMembers(tx, gateway, [...ids.values()]);
    for (const key of some) {
      const id = ids.get(key.fingerprint);
      if (id !== undefined) recorded.push(events.added(context, id, key));
    }
  });
  const changed = differences.kept.filter(isDifferent);
  await inParts(changed, async (some) => {
    await store.restore(tx, some);
    await store.addMembers(tx, gateway, idsOf(some.map(({ row }) => row)));
    recorded.push(...some.flatMap((key) => events.kept(context, key) ?? []));
  });
  await inParts(differences.removed, async (some) => {
    const retired = await store.removeMembers(tx, gateway, idsOf(some));
    recorded.push(...some.map((row) => events.removed(context, row, retired.has(row.id))));
  });
  await insertEvents(tx, recorded);

  const came = changed.filter(isNew);
  return {
    state: 'changed',
    added: hintsOf([...differences.added, ...came.map(({ row }) => row)]),
    removed: hintsOf(differences.removed),
    updated: changed.length - came.length,
    foreign: hintsOf(differences.foreign),
    forgotten: hintsOf(differences.forgotten),
  };
}

const isNew = ({ row, isMember }: Kept) => !isMember || !row.isActive;

const isDifferent = (key: Kept) =>
  isNew(key) || key.row.label !== key.declared.label || key.row.fingerprint !== key.declared.fingerprint;

const idsOf = (rows: readonly Stored[]) => rows.map(({ id }) => id);

const hintsOf = (keys: readonly Pick<Stored, 'hint'>[]) => keys.map(({ hint }) => hint);

async function readMembers(tx: Tx, gateway: string): Promise<Stored[]> {
  const members: Stored[] = [];
  for (;;) {
    const some = await store.membersAfter(tx, gateway, members.at(-1)?.id ?? 0, AT_ONCE);
    members.push(...some);
    if (some.length < AT_ONCE) return members;
    await nextTurn();
  }
}

async function inParts<Item>(items: readonly Item[], work: (some: readonly Item[]) => Promise<void>) {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    if (start > 0) await nextTurn();
    await work(items.slice(start, start + AT_ONCE));
  }
}

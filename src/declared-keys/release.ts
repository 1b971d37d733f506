import { changesBetween } from '../audit/event.ts';
import { insertEvents } from '../audit/store.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Fingerprint } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { inParts, READ_AT_ONCE } from './parts.ts';
import * as store from './store.ts';

export type ReleaseParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  /** Called in the transaction, when there is a key to release. */
  onRelease: (tx: Tx, now: number) => Promise<unknown>;
};

/**
 * Makes declared keys ordinary ones, all in one transaction. They keep their settings, and no file decides about them any
 * more: a gateway that still declares one leaves it alone.
 * @returns the fingerprints of the keys that were declared
 */
export const createRelease =
  ({ db, clock, onRelease }: ReleaseParts) =>
  async (fingerprints: readonly Fingerprint[], isDryRun: boolean): Promise<ReadonlySet<Fingerprint>> => {
    if (isDryRun) {
      const found: store.Released[] = [];
      await inParts(fingerprints, READ_AT_ONCE, async (some) => {
        found.push(...(await store.findDeclared(db, some)));
      });
      return fingerprintsIn(found);
    }
    return transaction(db, async (tx) => {
      const released: store.Released[] = [];
      await inParts(fingerprints, READ_AT_ONCE, async (some) => {
        released.push(...(await store.release(tx, await store.findDeclared(tx, some))));
      });
      if (released.length > 0) await onRelease(tx, clock.now());
      await insertEvents(
        tx,
        released.map(({ id }) => ({
          ...{ at: clock.now(), action: 'key.updated', actor: { kind: 'operator' }, address: null },
          ...{ keyId: id, requestId: null },
          changes: changesBetween({ source: 'config' }, { source: 'imported' }),
        })),
      );
      return fingerprintsIn(released);
    });
  };

const fingerprintsIn = (keys: readonly store.Released[]) =>
  new Set(keys.map(({ fingerprint }) => fingerprint));

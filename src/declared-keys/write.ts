import type { NewEvent } from '../audit/event.ts';
import { insertEvents } from '../audit/store.ts';
import type { Tx } from '../db/tables.ts';
import type { Changes, Kept, Stored } from './differences.ts';
import * as events from './events.ts';
import { inParts, WRITTEN_AT_ONCE } from './parts.ts';
import * as store from './store.ts';

const idsOf = (rows: readonly Stored[]) => rows.map(({ id }) => id);

/** Writes changes and their audit events. */
export async function write(
  tx: Tx,
  { gateway, now }: Readonly<{ gateway: string; now: number }>,
  { added, returned, updated, removed }: Changes,
): Promise<void> {
  const context = { actor: { kind: 'gateway', label: gateway }, at: now } as const;
  const recorded: NewEvent[] = [];
  await inParts(added, WRITTEN_AT_ONCE, async (some) => {
    const inserted = await store.insertDeclared(tx, some, now);
    const ids = new Map(inserted.map(({ fingerprint, id }) => [fingerprint, id]));
    await store.addMembers(tx, gateway, [...ids.values()]);
    for (const key of some) {
      const id = ids.get(key.fingerprint);
      if (id !== undefined) recorded.push(events.added(context, id, key));
    }
  });
  const restore = async (some: readonly Kept[]) => {
    await store.restore(tx, some);
    await store.addMembers(tx, gateway, idsOf(some.map(({ row }) => row)));
    recorded.push(...some.flatMap((key) => events.kept(context, key) ?? []));
  };
  await inParts([...returned, ...updated], WRITTEN_AT_ONCE, restore);
  await inParts(removed, WRITTEN_AT_ONCE, async (some) => {
    const retired = await store.removeMembers(tx, gateway, idsOf(some));
    recorded.push(...some.map((row) => events.removed(context, row, retired.has(row.id))));
  });
  await insertEvents(tx, recorded);
}

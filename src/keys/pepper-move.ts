import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Fingerprint, KeyId, RawKey } from '../lib/brand.ts';

const WRITE_EVERY_MS = 1_000;
const AT_ONCE = 500;

/** What a look-up needs while keys move from the previous pepper to the present one. */
export type PepperMove = Readonly<{
  /** The fingerprint of a key under the previous pepper. */
  previousFingerprintOf: (rawKey: RawKey) => Fingerprint;
  /** Gives a row the fingerprint under the present pepper, soon. */
  move(id: KeyId, from: Fingerprint, to: Fingerprint): void;
}>;

export type PepperMoveParts = Readonly<{
  db: Db;
  writer: BackgroundWriter;
  previousFingerprintOf: (rawKey: RawKey) => Fingerprint;
  /** What the database stores of the present pepper. */
  check: string;
  onError: (error: unknown) => void;
}>;

/**
 * Moves keys to the present pepper as they are used: only the raw key makes a fingerprint. Many moves are one write, because
 * each write empties the caches of all processes.
 */
export function createPepperMove(
  parts: PepperMoveParts,
): PepperMove & Readonly<{ flush(): Promise<void>; close(): Promise<void> }> {
  const { db, writer, previousFingerprintOf, check, onError } = parts;
  const waiting = new Map<KeyId, Readonly<{ from: Fingerprint; to: Fingerprint }>>();
  let writing = Promise.resolve();

  const moveQuery = (id: KeyId, from: Fingerprint, to: Fingerprint) =>
    db
      .updateTable('api_keys')
      .set({ fingerprint: to })
      .where('id', '=', id)
      .where('fingerprint', '=', from)
      // Another process may have begun to move to a newer pepper.
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('database_identity').select('id').where('pepper_check', '=', check)),
      )
      .compile();

  async function write(): Promise<void> {
    const some = [...waiting].slice(0, AT_ONCE);
    if (some.length === 0) return;
    try {
      await writer.run(...some.map(([id, { from, to }]) => moveQuery(id, from, to)));
      for (const [id] of some) waiting.delete(id);
    } catch (error) {
      onError(error);
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  const timer = setInterval(() => {
    if (waiting.size > 0) void flush();
  }, WRITE_EVERY_MS);
  timer.unref();

  return {
    previousFingerprintOf,
    move: (id, from, to) => void waiting.set(id, { from, to }),
    flush,
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}

/** How many keys were not used since the pepper changed, and so need the previous one. 0 when it never changed. */
export async function countUnmoved(db: Db): Promise<number> {
  const identity = await db.selectFrom('database_identity').select('pepper_since').executeTakeFirst();
  const since = identity?.pepper_since ?? null;
  if (since === null) return 0;
  const { count } = await db
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll<number | string | bigint>().as('count'))
    .where('fingerprint', 'is not', null)
    .where('created_at', '<', since)
    .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', since)]))
    .executeTakeFirstOrThrow();
  return Number(count);
}

import { LRUCache } from 'lru-cache';
import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { KeyId, RawKey } from '../lib/brand.ts';
import { lazily } from '../lib/lazily.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { bcryptInputOf } from './digests.ts';
import type { ApiKey } from './key.ts';

/** A key for which there is no place gets its hash at a later use. */
const MAX_WAITING = 1_000;
/** Keys that are known to have a hash. */
const MAX_REMEMBERED = 10_000;
/** Each write empties the caches of all processes. */
const WRITE_AT_ONCE = 10;

export type HashLaterParts = Readonly<{
  db: Db;
  writer: BackgroundWriter;
  bcrypt: Pick<BcryptPool, 'hash'>;
  onError: (error: unknown) => void;
}>;

/**
 * Gives imported keys their bcrypt hashes when they are used, because only the raw key makes one and a million would take
 * days. Without its hash, a key would be lost with the pepper. It works one key at a time, so that others get the threads.
 */
export function createHashLater({ db, writer, bcrypt, onError }: HashLaterParts) {
  const seen = lazily(() => new LRUCache<KeyId, true>({ max: MAX_REMEMBERED }));
  const waiting = new Map<KeyId, RawKey>();
  let isClosed = false;
  let working: Promise<void> | undefined;

  const lacksHash = async (id: KeyId): Promise<boolean> => {
    const query = db.selectFrom('api_keys').select('id').where('id', '=', id).where('hash', '=', '');
    return (await query.executeTakeFirst()) !== undefined;
  };

  /** A key with another secret by now has the hash of that. */
  const query = ([id, hash]: readonly [KeyId, string]) =>
    db.updateTable('api_keys').set({ hash }).where('id', '=', id).where('hash', '=', '').compile();

  async function work(): Promise<void> {
    const made: (readonly [KeyId, string])[] = [];
    try {
      for (const [id, rawKey] of waiting) {
        if (isClosed) break;
        waiting.delete(id);
        if (await lacksHash(id))
          made.push([id, await bcrypt.hash({ client: 'imported keys', input: bcryptInputOf(rawKey) })]);
        if (made.length === WRITE_AT_ONCE) await writer.run(...made.splice(0).map(query));
      }
      if (made.length > 0) await writer.run(...made.map(query));
    } catch (error) {
      // All of them get another chance at a later use.
      seen().clear();
      waiting.clear();
      if (!isClosed) onError(error);
    }
    working = waiting.size > 0 ? work() : undefined;
  }

  return {
    /** Call it for each key that was read from the database. */
    onRead(key: Pick<ApiKey, 'id' | 'source'>, rawKey: RawKey): void {
      if (key.source !== 'imported' || isClosed || seen().has(key.id) || waiting.size >= MAX_WAITING) return;
      seen().set(key.id, true);
      waiting.set(key.id, rawKey);
      working ??= work();
    },
    async close(): Promise<void> {
      isClosed = true;
      waiting.clear();
      await working;
    },
  };
}

import type { Db } from '../db/tables.ts';
import type { KeyId } from '../lib/brand.ts';
import type { ApiKey } from './key.ts';
import * as store from './store.ts';

export type KeyPage = { keys: ApiKey[]; nextCursor: KeyId | undefined };

export type KeyListing = ReturnType<typeof createKeyListing>;

export const createKeyListing = (db: Db) => ({
  /** Lists keys, the newest first. `cursor` is the `nextCursor` of the previous page. */
  async list(limit: number, cursor: KeyId | undefined): Promise<KeyPage> {
    const keys = await store.listKeys(db, limit + 1, cursor);
    const page = keys.slice(0, limit);
    return { keys: page, nextCursor: keys.length > limit ? page.at(-1)?.id : undefined };
  },
});

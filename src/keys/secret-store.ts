import type { Db, Tx } from '../db/tables.ts';
import type { Fingerprint, KeyId } from '../lib/brand.ts';
import type { ApiKey } from './key.ts';
import { columns, toApiKey } from './row.ts';
import type { Digests, NewApiKey } from './store.ts';

/** A row that bcrypt has compared a key with. When it has another hash by now, the key has another secret. */
type Compared = Readonly<{ id: KeyId; hash: string }>;

export async function setFingerprint(
  tx: Tx,
  { id, hash }: Compared,
  fingerprint: Fingerprint,
): Promise<ApiKey | undefined> {
  const row = await tx
    .updateTable('api_keys')
    .set({ fingerprint })
    .where('id', '=', id)
    .where('hash', '=', hash)
    .returning(columns)
    .executeTakeFirst();
  return row && toApiKey(row);
}

export async function findCompared(db: Db, { id, hash }: Compared): Promise<ApiKey | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(columns)
    .where('id', '=', id)
    .where('hash', '=', hash)
    .executeTakeFirst();
  return row && toApiKey(row);
}

/** Gives a key another secret. The old one is unknown from the commit on. */
export async function replaceSecret(
  tx: Tx,
  id: KeyId,
  { prefix, hint, fingerprint, hash }: Digests & Pick<NewApiKey, 'prefix'>,
): Promise<ApiKey> {
  const row = await tx
    .updateTable('api_keys')
    .set({ prefix, hint, fingerprint, hash })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow();
  return toApiKey(row);
}

import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Fingerprint, KeyId, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Principal } from '../lib/principal.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { bcryptInputOf } from './digests.ts';
import type { ApiKey } from './key.ts';
import { generateRawKey, hintOf } from './key-format.ts';
import * as store from './store.ts';

export type KeyPage = { keys: ApiKey[]; nextCursor: KeyId | undefined };

export type KeyService = ReturnType<typeof createKeyService>;

export type KeyServiceParts = {
  db: Db;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  bcrypt: Pick<BcryptPool, 'hash'>;
  clock: Clock;
  /** Throws a DomainError unless the principal may still act. */
  revalidate: (handle: Db | Tx, actor: Principal) => Promise<void>;
};

type NewKey = Readonly<{ rawKey: RawKey; label: string; client: string }>;

/** Reads and changes keys. Each change has an actor, and is refused if the actor is revoked by then. */
export function createKeyService({ db, fingerprintOf, bcrypt, clock, revalidate }: KeyServiceParts) {
  /**
   * Makes both digests of a raw key, for the store. bcrypt is slow, so call it before a transaction begins. `client`
   * waits for it, and clients are served in turn.
   */
  async function prepare({ rawKey, label, client }: NewKey): Promise<store.NewApiKey> {
    return {
      label,
      hint: hintOf(rawKey),
      fingerprint: fingerprintOf(rawKey),
      hash: await bcrypt.hash({ client, input: bcryptInputOf(rawKey) }),
      createdAt: clock.now(),
    };
  }

  function change<T>(actor: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return transaction(db, async (tx) => {
      await revalidate(tx, actor);
      return work(tx);
    });
  }

  /** Runs a change that makes a usable key unusable, unless the key is the last usable one. */
  function retire<T>(id: KeyId, actor: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return change(actor, async (tx) => {
      const key = existing(await store.findKey(tx, id));
      if (key.isActive && !(await store.hasOtherUsableKey(tx, id))) {
        throw new DomainError({ code: 'last_active_api_key_required' });
      }
      return work(tx);
    });
  }

  return {
    prepare,

    async create(label: string, actor: Principal): Promise<{ key: ApiKey; rawKey: RawKey }> {
      const rawKey = generateRawKey();
      const prepared = await prepare({ rawKey, label, client: `key ${actor.id}` });
      return { key: await change(actor, (tx) => store.insertKey(tx, prepared)), rawKey };
    },

    /** Lists keys, the newest first. `cursor` is the `nextCursor` of the previous page. */
    async list(limit: number, cursor: KeyId | undefined): Promise<KeyPage> {
      const keys = await store.listKeys(db, limit + 1, cursor);
      const page = keys.slice(0, limit);
      return { keys: page, nextCursor: keys.length > limit ? page.at(-1)?.id : undefined };
    },

    get: async (id: KeyId) => existing(await store.findKey(db, id)),

    rename: async (id: KeyId, label: string, actor: Principal) =>
      existing(await change(actor, (tx) => store.setLabel(tx, id, label))),

    activate: async (id: KeyId, actor: Principal) =>
      existing(await change(actor, (tx) => store.setActive(tx, id, true))),

    deactivate: async (id: KeyId, actor: Principal) =>
      existing(await retire(id, actor, (tx) => store.setActive(tx, id, false))),

    delete: (id: KeyId, actor: Principal): Promise<void> =>
      retire(id, actor, (tx) => store.deleteKey(tx, id)),
  };
}

function existing(key: ApiKey | undefined): ApiKey {
  if (!key) throw new DomainError({ code: 'api_key_not_found' });
  return key;
}

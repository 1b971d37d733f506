import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import type { Pepper } from '../pepper/pepper.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import type { ApiKey } from './key.ts';
import type { LastUsed } from './last-used.ts';
import { bcryptInputOf, fingerprintOf, generateRawKey, hintOf, isWellFormed } from './secret.ts';
import * as store from './store.ts';
import { judge, type Verdict } from './verify.ts';

export type KeyPage = { keys: ApiKey[]; nextCursor: number | undefined };

export type KeyService = ReturnType<typeof createKeyService>;

export type KeyServiceParts = {
  db: Db;
  pepper: Pepper;
  bcrypt: BcryptPool;
  lastUsed: LastUsed;
  clock: Clock;
};

export function createKeyService({ db, pepper, bcrypt, lastUsed, clock }: KeyServiceParts) {
  /** Both digests of a raw key, ready to be stored. Slow on purpose; call it before a transaction begins. */
  async function prepare(rawKey: string, label: string): Promise<store.NewApiKey> {
    return {
      label,
      hint: hintOf(rawKey),
      fingerprint: fingerprintOf(pepper, rawKey),
      hash: await bcrypt.hash(bcryptInputOf(rawKey)),
      createdAt: clock.now(),
    };
  }

  async function find(rawKey: string): Promise<ApiKey | undefined> {
    if (!isWellFormed(rawKey)) return undefined;
    const fingerprint = fingerprintOf(pepper, rawKey);
    const found = await store.findKeyByFingerprint(db, fingerprint);
    return found ?? proveByHash(rawKey, fingerprint);
  }

  /** For a row without a fingerprint. It gets one here, so that the slow way is gone once. */
  async function proveByHash(rawKey: string, fingerprint: string): Promise<ApiKey | undefined> {
    for (const { id, hash } of await store.findKeysWithoutFingerprint(db, hintOf(rawKey))) {
      if (await bcrypt.compare(bcryptInputOf(rawKey), hash)) {
        return transaction(db, (tx) => store.setFingerprint(tx, id, fingerprint));
      }
    }
    return undefined;
  }

  /** Runs a change that may take a usable key away, and refuses to take the last one. */
  function retire<T>(id: number, change: (tx: Tx) => Promise<T>): Promise<T> {
    return transaction(db, async (tx) => {
      await store.lockRetirement(tx);
      const key = existing(await store.findKey(tx, id));
      if (key.isActive && !(await store.hasOtherUsableKey(tx, id))) {
        throw new DomainError({
          code: 'last_active_api_key_required',
          detail:
            'This is the last active API key that can manage keys. Create or activate another one first.',
        });
      }
      return change(tx);
    });
  }

  return {
    prepare,

    async verify(rawKey: string): Promise<Verdict> {
      const verdict = judge(await find(rawKey));
      if (verdict.code === 'VALID') lastUsed.note(verdict.key.id, clock.now());
      return verdict;
    },

    hasUsableKey: () => store.hasUsableKey(db),

    async create(label: string): Promise<{ key: ApiKey; rawKey: string }> {
      const rawKey = generateRawKey();
      const prepared = await prepare(rawKey, label);
      return { key: await transaction(db, (tx) => store.insertKey(tx, prepared)), rawKey };
    },

    /** Newest first. `cursor` is the `nextCursor` of the page before. */
    async list(limit: number, cursor: number | undefined): Promise<KeyPage> {
      const keys = await store.listKeys(db, limit + 1, cursor);
      const page = keys.slice(0, limit);
      return { keys: page, nextCursor: keys.length > limit ? page.at(-1)?.id : undefined };
    },

    get: async (id: number) => existing(await store.findKey(db, id)),

    rename: async (id: number, label: string) =>
      existing(await transaction(db, (tx) => store.setLabel(tx, id, label))),

    activate: async (id: number) => existing(await transaction(db, (tx) => store.setActive(tx, id, true))),

    deactivate: async (id: number) => existing(await retire(id, (tx) => store.setActive(tx, id, false))),

    delete: (id: number): Promise<void> => retire(id, (tx) => store.deleteKey(tx, id)),
  };
}

function existing(key: ApiKey | undefined): ApiKey {
  if (!key) throw new DomainError({ code: 'api_key_not_found', detail: 'API key not found.' });
  return key;
}

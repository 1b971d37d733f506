import type { Reader } from '../db/database.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import type { Pepper } from '../pepper/pepper.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import type { ApiKey } from './key.ts';
import { createRecognise } from './recognise.ts';
import { bcryptInputOf, fingerprinter, generateRawKey, hintOf, isWellFormed } from './secret.ts';
import * as store from './store.ts';
import type { UseCounter } from './uses.ts';
import { judge, type Verdict } from './verify.ts';

export type KeyPage = { keys: ApiKey[]; nextCursor: number | undefined };

export type KeyService = ReturnType<typeof createKeyService>;

export type KeyServiceParts = {
  db: Db;
  reader: Reader;
  pepper: Pepper;
  bcrypt: BcryptPool;
  uses: UseCounter;
  clock: Clock;
};

export function createKeyService({ db, reader, pepper, bcrypt, uses, clock }: KeyServiceParts) {
  const reads = store.shortReads(db, reader);
  const fingerprintOf = fingerprinter(pepper);
  const recognise = createRecognise(reads, reader.epoch, fingerprintOf);

  /** Both digests of a raw key, ready to be stored. Slow on purpose; call it before a transaction begins. */
  async function prepare(rawKey: string, label: string): Promise<store.NewApiKey> {
    return {
      label,
      hint: hintOf(rawKey),
      fingerprint: fingerprintOf(rawKey),
      hash: await bcrypt.hash(bcryptInputOf(rawKey)),
      createdAt: clock.now(),
    };
  }

  async function find(rawKey: string): Promise<ApiKey | undefined> {
    if (!isWellFormed(rawKey)) return undefined;
    const fingerprint = fingerprintOf(rawKey);
    const found = await store.findKeyByFingerprint(db, fingerprint);
    return found ?? proveByHash(rawKey, fingerprint);
  }

  /** For a row without a fingerprint. It gets one here, so that the slow way is gone once. */
  async function proveByHash(rawKey: string, fingerprint: string): Promise<ApiKey | undefined> {
    const candidates = await store.findKeysWithoutFingerprint(db, hintOf(rawKey));
    if (candidates.length === 0) return undefined;
    const hashes = candidates.map(({ hash }) => hash);
    const proved = candidates[await bcrypt.find(bcryptInputOf(rawKey), hashes)];
    if (!proved) return undefined;
    // The key is proved whether or not the disk takes its fingerprint; then it is proved again the next time.
    const stored = db.transaction().execute((tx) => store.setFingerprint(tx, proved.id, fingerprint));
    return stored.catch(() => store.findKey(db, proved.id));
  }

  /**
   * Runs a change on behalf of the key `actor`. It was valid when the request came; but the rest of a request can be
   * long under way, and who was revoked meanwhile must not change anything any more.
   */
  function change<T>(actor: number, work: (tx: Tx) => Promise<T>): Promise<T> {
    return transaction(db, async (tx) => {
      await assertActive(actor, tx);
      return work(tx);
    });
  }

  async function assertActive(actor: number, handle: Db | Tx = db): Promise<void> {
    const key = await store.findKey(handle, actor);
    if (!key?.isActive) throw new DomainError({ code: 'invalid_api_key', detail: 'Invalid API key.' });
  }

  /** A change that takes a usable key away, unless that is the last one. */
  function retire<T>(id: number, actor: number, work: (tx: Tx) => Promise<T>): Promise<T> {
    return change(actor, async (tx) => {
      const key = existing(await store.findKey(tx, id));
      if (key.isActive && !(await store.hasOtherUsableKey(tx, id))) {
        throw new DomainError({
          code: 'last_active_api_key_required',
          detail:
            'This is the last active API key that can manage keys. Create or activate another one first.',
        });
      }
      return work(tx);
    });
  }

  return {
    prepare,

    /** For what is no change, but is not told to a key that was revoked while its request was under way. */
    assertActive: (actor: number) => assertActive(actor),

    /** What a key is, if that can be told at once. */
    recognise,

    verify: async (rawKey: string): Promise<Verdict> => judge(await find(rawKey)),

    /** To be called when somebody was told that the key is valid. */
    countUse: (id: number) => uses.note(id, clock.now()),

    hasUsableKey: reads.hasUsableKey,

    /** Every change names the key on whose behalf it is made. */
    async create(label: string, actor: number): Promise<{ key: ApiKey; rawKey: string }> {
      const rawKey = generateRawKey();
      const prepared = await prepare(rawKey, label);
      return { key: await change(actor, (tx) => store.insertKey(tx, prepared)), rawKey };
    },

    /** Newest first. `cursor` is the `nextCursor` of the page before. */
    async list(limit: number, cursor: number | undefined): Promise<KeyPage> {
      const keys = await store.listKeys(db, limit + 1, cursor);
      const page = keys.slice(0, limit);
      return { keys: page, nextCursor: keys.length > limit ? page.at(-1)?.id : undefined };
    },

    get: async (id: number) => existing(await store.findKey(db, id)),

    rename: async (id: number, label: string, actor: number) =>
      existing(await change(actor, (tx) => store.setLabel(tx, id, label))),

    activate: async (id: number, actor: number) =>
      existing(await change(actor, (tx) => store.setActive(tx, id, true))),

    deactivate: async (id: number, actor: number) =>
      existing(await retire(id, actor, (tx) => store.setActive(tx, id, false))),

    delete: (id: number, actor: number): Promise<void> => retire(id, actor, (tx) => store.deleteKey(tx, id)),
  };
}

function existing(key: ApiKey | undefined): ApiKey {
  if (!key) throw new DomainError({ code: 'api_key_not_found', detail: 'API key not found.' });
  return key;
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { changesBetween, type Incident } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Reader } from '../db/engine.ts';
import type { Db, Tx } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { DEFAULT_PREFIX, generateRawKey } from '../keys/key-format.ts';
import { type KeyService, registeredSettings } from '../keys/service.ts';
import { insertKey, isStored } from '../keys/store.ts';
import { type Weakness, weaknessOf } from '../keys/weak-key.ts';
import { publicSettings } from '../keys/wire.ts';
import type { RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError, type FailureCode } from '../lib/failure.ts';
import { fastIsClaimed, takeClaim } from './store.ts';

export type BootstrapService = ReturnType<typeof createBootstrapService>;

/** Why a registration is refused. A lockout, or a database that fails, is no answer to the attempt itself. */
const REFUSALS: readonly FailureCode[] = ['api_key_already_configured', 'invalid_bootstrap_token'];

/** The request that registers the first key, for the audit log. */
type BootstrapRequest = Readonly<{ address: string; requestId: string }>;

export type BootstrapParts = {
  db: Db;
  reader: Reader;
  keys: Pick<KeyService, 'digest'>;
  clock: Clock;
  /** If it is set, the registration of the first key needs it. */
  token: string | undefined;
  /** Called when the claim is known to be on disk, before any client gets an answer that depends on it. */
  onClaimed: () => void;
  /** Called when a registration is refused, before the client learns of it. */
  onRefused: (incident: Incident) => void;
  /** Called when the first key is registered and everybody can guess it. */
  onWeakKey: (weakness: Weakness) => void;
};

/** Registers the first key, once per database. */
export function createBootstrapService({
  db,
  reader,
  keys,
  clock,
  token,
  onClaimed,
  onRefused,
  onWeakKey,
}: BootstrapParts) {
  const isClaimed = fastIsClaimed(db, reader);
  let lastInQueue: Promise<unknown> = Promise.resolve();
  /** It never becomes false again, even if the database loses the claim. */
  let isKnownClaimed = false;

  /** Runs one registration at a time, so that no key is hashed in vain after the first success. */
  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const turn = lastInQueue.then(work);
    lastInQueue = turn.catch(() => undefined);
    return turn;
  }

  function claimed(): void {
    if (isKnownClaimed) return;
    isKnownClaimed = true;
    onClaimed();
  }

  async function isOpen(): Promise<boolean> {
    if (!isKnownClaimed && (await isClaimed())) claimed();
    return !isKnownClaimed;
  }

  /** @throws DomainError `api_key_already_configured` */
  async function assertOpen(): Promise<void> {
    if (!(await isOpen())) throw alreadyConfigured();
  }

  /** Records it when the work is refused. */
  async function recordingRefusal<T>({ address, requestId }: BootstrapRequest, work: () => Promise<T>) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof DomainError ? error.failure.code : undefined;
      if (code !== undefined && REFUSALS.includes(code)) {
        const changes = changesBetween(undefined, { code });
        onRefused({ action: 'bootstrap.refused', address, requestId, changes });
      }
      throw error;
    }
  }

  /** Registers the first key and does the rest of the work with it, or nothing at all. */
  const claim = <T>(
    rawKey: RawKey,
    label: string,
    prefix: string | null,
    { address, requestId }: BootstrapRequest,
    work: (tx: Tx) => Promise<T>,
  ): Promise<T> =>
    recordingRefusal({ address, requestId }, () =>
      enqueue(async () => {
        await assertOpen();
        const digests = await keys.digest(rawKey, 'bootstrap');
        const settings = registeredSettings(label);
        const result = await transaction(db, async (tx) => {
          const now = clock.now();
          if (!(await takeClaim(tx, now))) throw alreadyConfigured();
          if (await isStored(tx, digests.fingerprint)) throw declaredAlready();
          const key = await insertKey(tx, {
            ...digests,
            settings,
            prefix,
            source: 'registered',
            createdAt: now,
            account: null,
          });
          await insertEvent(tx, {
            at: now,
            action: 'key.registered',
            actor: { kind: 'bootstrap' },
            address,
            keyId: key.id,
            changes: changesBetween(undefined, publicSettings(key)),
            requestId,
          });
          return work(tx);
        });
        claimed();
        return result;
      }),
    );

  return {
    isOpen,
    assertOpen,
    recordingRefusal,

    needsToken: token !== undefined,

    /** Compares digests of equal length, so that the duration reveals nothing about the token. */
    isToken: (presented: string) => token !== undefined && timingSafeEqual(sha256(presented), sha256(token)),

    /**
     * Stores the first key of the database. The claim and the key are committed together.
     * @throws DomainError `api_key_already_configured`
     */
    async register(rawKey: RawKey, label: string, request: BootstrapRequest): Promise<void> {
      await claim(rawKey, label, null, request, async () => undefined);
      const weakness = weaknessOf(rawKey);
      if (weakness) onWeakKey(weakness);
    },

    /**
     * Does other work with the claim, in the same transaction, and makes the first key.
     * @returns what `work` returns, and the first key, which no other answer contains
     * @throws DomainError `api_key_already_configured`
     */
    async claimWith<T>(
      label: string,
      request: BootstrapRequest,
      work: (tx: Tx) => Promise<T>,
    ): Promise<T & { rawKey: RawKey }> {
      const rawKey = generateRawKey();
      const result = await claim(rawKey, label, DEFAULT_PREFIX, request, work);
      return { ...result, rawKey };
    },
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** Clients of the gateway have it, and the first key can do everything. */
const declaredAlready = () => {
  const message = 'The configuration file of the gateway declares this key. Register another one.';
  return new DomainError({ code: 'invalid_request', errors: [{ path: 'api_key', message }] });
};

const alreadyConfigured = () => new DomainError({ code: 'api_key_already_configured' });

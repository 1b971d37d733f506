import { createHash, timingSafeEqual } from 'node:crypto';
import type { Reader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { KeyService } from '../keys/service.ts';
import { insertKey } from '../keys/store.ts';
import { type Weakness, weaknessOf } from '../keys/weak-key.ts';
import type { RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { fastIsClaimed, takeClaim } from './store.ts';

export type BootstrapService = ReturnType<typeof createBootstrapService>;

export type BootstrapParts = {
  db: Db;
  reader: Reader;
  keys: Pick<KeyService, 'prepare'>;
  clock: Clock;
  /** If it is set, the registration of the first key needs it. */
  token: string | undefined;
  /** Called when the claim is known to be on disk, before any client gets an answer that depends on it. */
  onClaimed: () => void;
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

  return {
    isOpen,
    assertOpen,

    needsToken: token !== undefined,

    /** Compares digests of equal length, so that the duration reveals nothing about the token. */
    isToken: (presented: string) => token !== undefined && timingSafeEqual(sha256(presented), sha256(token)),

    /**
     * Stores the first key of the database. The claim and the key are committed together.
     * @throws DomainError `api_key_already_configured`
     */
    register: (rawKey: RawKey, label: string): Promise<void> =>
      enqueue(async () => {
        await assertOpen();
        const prepared = await keys.prepare({ rawKey, label, client: 'bootstrap' });
        await transaction(db, async (tx) => {
          if (!(await takeClaim(tx, clock.now()))) throw alreadyConfigured();
          await insertKey(tx, prepared);
        });
        claimed();
        const weakness = weaknessOf(rawKey);
        if (weakness) onWeakKey(weakness);
      }),
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

const alreadyConfigured = () => new DomainError({ code: 'api_key_already_configured' });

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Reader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { KeyService } from '../keys/service.ts';
import { insertKey } from '../keys/store.ts';
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
  /** Where it is set, registering the first key needs it. */
  token: string | undefined;
  /** Called when the claim is durable or was found, before any client learns of it. */
  onClaimed: () => void;
};

/** The first key: once per database, ever. */
export function createBootstrapService({ db, reader, keys, clock, token, onClaimed }: BootstrapParts) {
  const isClaimed = fastIsClaimed(db, reader);
  let lastInQueue: Promise<unknown> = Promise.resolve();
  /** Once true, it stays true, even if the database should lose the claim. */
  let isKnownClaimed = false;

  /** One at a time: after the first success nobody else's key is hashed for nothing. */
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

    /** Compares digests of equal length, so that the time it takes reveals nothing. */
    isToken: (presented: string) => token !== undefined && timingSafeEqual(sha256(presented), sha256(token)),

    /**
     * Stores the first key of the database. The claim and the key become durable together or not at all.
     * @throws DomainError `api_key_already_configured`
     */
    register: (rawKey: RawKey, label: string): Promise<void> =>
      enqueue(async () => {
        await assertOpen();
        const prepared = await keys.prepare(rawKey, label);
        await transaction(db, async (tx) => {
          if (!(await takeClaim(tx, clock.now()))) throw alreadyConfigured();
          await insertKey(tx, prepared);
        });
        claimed();
      }),
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

const alreadyConfigured = () => new DomainError({ code: 'api_key_already_configured' });

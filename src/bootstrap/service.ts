import { createHash, timingSafeEqual } from 'node:crypto';
import type { Reader } from '../db/database.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { KeyService } from '../keys/service.ts';
import { insertKey } from '../keys/store.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import { claimLook, takeClaim } from './store.ts';

export type BootstrapService = ReturnType<typeof createBootstrapService>;

export type BootstrapParts = {
  db: Db;
  reader: Reader;
  keys: Pick<KeyService, 'prepare'>;
  clock: Clock;
  /** When set, who registers the first key must know it. */
  token: string | undefined;
  /** Called when the claim is durable or was found, before anybody is told. */
  onClaimed: () => void;
};

export function createBootstrapService({ db, reader, keys, clock, token, onClaimed }: BootstrapParts) {
  const hasClaim = claimLook(db, reader);
  let lastInLine: Promise<unknown> = Promise.resolve();
  /** For good: it is believed even where the database should lose it. */
  let isKnownClaimed = false;

  /** One at a time: the first success answers all who wait, and nobody's key is hashed for nothing. */
  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = lastInLine.then(work);
    lastInLine = turn.catch(() => undefined);
    return turn;
  }

  function claimed(): void {
    if (isKnownClaimed) return;
    isKnownClaimed = true;
    onClaimed();
  }

  /** Asks the database, whatever is known. */
  async function look(): Promise<void> {
    if (await hasClaim()) claimed();
  }

  async function isOpen(): Promise<boolean> {
    if (!isKnownClaimed) await look();
    return !isKnownClaimed;
  }

  async function assertOpen(): Promise<void> {
    if (!(await isOpen())) throw alreadyConfigured();
  }

  return {
    look,
    isOpen,

    /** @throws DomainError `api_key_already_configured` */
    assertOpen,

    needsToken: token !== undefined,

    /** Compares digests of equal length, so that the time taken tells nothing. */
    isToken: (presented: string) => token !== undefined && timingSafeEqual(sha256(presented), sha256(token)),

    /**
     * Stores the first key of the database, once, ever: the claim and the key become durable together or not at all.
     * @throws DomainError `api_key_already_configured`
     */
    register: (rawKey: string, label: string): Promise<void> =>
      inLine(async () => {
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

const alreadyConfigured = () =>
  new DomainError({ code: 'api_key_already_configured', detail: 'An API key is already configured.' });

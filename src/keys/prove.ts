import type { Db } from '../db/tables.ts';
import { type Fingerprint, KeyId, type RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { expiringCache } from '../lib/lazily.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { bcryptInputOf } from './digests.ts';
import type { ApiKey } from './key.ts';
import { hintOf } from './key-format.ts';
import type { createForeignProver } from './prove-foreign.ts';
import { findCompared, setFingerprint } from './secret-store.ts';
import * as store from './store.ts';

/** The most comparisons of one request. Each takes about a quarter of a second. */
const MAX_CANDIDATES = 4;

/** When no candidate matches, all are compared again after a minute. */
const REFUSED_MS = 60_000;
/** Longer than a usual lockout, so that a client can continue after one. */
const UNDECIDED_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

/** The connection of a request, as Node describes it. */
export type Connection = Readonly<{ destroyed: boolean; readableEnded: boolean }>;

/** A client that ends its side may still read. It can send the key again, and the proof continues. */
const isOpen = (connection: Connection | undefined) =>
  connection === undefined || !(connection.destroyed || connection.readableEnded);

/** `undecided`: there are more candidates. The next request with the key continues with them. */
export type Proof = { state: 'proven'; key: ApiKey } | { state: 'refused' } | { state: 'undecided' };

export type ProverParts = {
  db: Db;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  bcrypt: Pick<BcryptPool, 'find'>;
  /** For keys that other systems have made; undefined where there are none. */
  foreign?: ReturnType<typeof createForeignProver>;
  clock: Clock;
};

/**
 * Makes the function that compares a well-formed key with the rows that have its hint and no fingerprint. A row that
 * matches gets its fingerprint, so that this happens once.
 *
 * A request compares at most four rows, in the order of their ids. The last one is remembered under the fingerprint of
 * the key, and the next request with the key continues there.
 */
export function createProver({ db, fingerprintOf, bcrypt, foreign, clock }: ProverParts) {
  /** The last row that a key was compared with. */
  const comparedUpTo = expiringCache<Fingerprint, KeyId>(clock, { max: MAX_REMEMBERED, ttl: REFUSED_MS });
  /** Requests with the same key at the same time share one comparison. It gives way to others when all of them are gone. */
  const underWay = new Map<Fingerprint, { proof: Promise<Proof>; connections: (Connection | undefined)[] }>();

  async function compare(
    rawKey: RawKey,
    fingerprint: Fingerprint,
    client: string | undefined,
  ): Promise<Proof> {
    const rows = await store.findKeysWithoutFingerprint(db, {
      hint: hintOf(rawKey),
      after: comparedUpTo().get(fingerprint) ?? KeyId(0),
      limit: MAX_CANDIDATES + 1,
    });
    const candidates = rows.slice(0, MAX_CANDIDATES);
    const last = candidates.at(-1);
    if (!last) return { state: 'refused' };
    const hashes = candidates.map(({ hash }) => hash);
    const match = candidates[await bcrypt.find({ client, input: bcryptInputOf(rawKey), hashes })];
    if (match) return proven(match, fingerprint);
    const isLast = rows.length === candidates.length;
    comparedUpTo().set(fingerprint, last.id, { ttl: isLast ? REFUSED_MS : UNDECIDED_MS });
    return { state: isLast ? 'refused' : 'undecided' };
  }

  async function proven(match: { id: KeyId; hash: string }, fingerprint: Fingerprint): Promise<Proof> {
    const stored = db.transaction().execute((tx) => setFingerprint(tx, match, fingerprint));
    // The key is valid even if its fingerprint cannot be written. Then bcrypt compares it again the next time.
    const key = await stored.catch(() => findCompared(db, match));
    return key ? { state: 'proven', key } : { state: 'refused' };
  }

  /** The cheapest comparisons first. */
  async function compareAll(
    rawKey: RawKey,
    fingerprint: Fingerprint,
    client: string | undefined,
    isWanted: () => boolean,
  ): Promise<Proof> {
    const known = await foreign?.bySha256({ rawKey, fingerprint, client });
    if (known) return { state: 'proven', key: known };
    const proof = await compare(rawKey, fingerprint, client);
    if (proof.state !== 'refused') return proof;
    const key = await foreign?.byBcrypt({ rawKey, fingerprint, client }, isWanted);
    return key ? { state: 'proven', key } : proof;
  }

  /** A guess that finds no place must count as well: its fingerprint was looked up. */
  async function countedWhenFull(comparing: Promise<Proof>): Promise<Proof> {
    try {
      return await comparing;
    } catch (error) {
      if (error instanceof DomainError && error.failure.code === 'overloaded') return { state: 'undecided' };
      throw error;
    }
  }

  return function prove(rawKey: RawKey, client: string | undefined, connection?: Connection): Promise<Proof> {
    const fingerprint = fingerprintOf(rawKey);
    const known = underWay.get(fingerprint);
    if (known) {
      known.connections.push(connection);
      return known.proof;
    }
    const connections = [connection];
    const isWanted = () => connections.some(isOpen);
    const proof = countedWhenFull(compareAll(rawKey, fingerprint, client, isWanted)).finally(() =>
      underWay.delete(fingerprint),
    );
    underWay.set(fingerprint, { proof, connections });
    return proof;
  };
}

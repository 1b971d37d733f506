import type { CompiledQuery, SelectQueryBuilder } from 'kysely';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Db, Tables } from './tables.ts';

/** A kind of database, pointed at one that is there or is to be made. */
export type Engine = {
  /** Path or URL, as a person may read it: without a password. */
  name: string;
  /** Whether Keyhearth's tables may be there: a database that is missing or empty is nothing that could be lost. */
  hasContent(): Promise<boolean>;
  /** Opens it, makes it if need be, and leaves the tables as they are. Throws a StartupError for one that cannot be ours. */
  open(): Promise<Db>;
  /** What serving needs besides, once the tables are up to date. @param databaseId what the database calls itself */
  equip(databaseId: string): Promise<Equipment>;
  /** An error of this engine as a sentence for the operator; anything unforeseen stays as it is. */
  asStartupError(error: unknown): unknown;
};

export type Equipment = {
  reader: Reader;
  background: Background;
  bulletin: Bulletin;
  /** After the last query. `db` itself is closed by whoever opened it. */
  close(): Promise<void>;
};

export type FingerprintSelection<Row> = SelectQueryBuilder<Tables, 'api_keys', Row>;

/** What every request asks, by the shortest way there is. */
export type Reader = {
  /**
   * Changes when anybody commits a change. What was read while it was the same may be used for as long as it stays so;
   * undefined while nobody can tell, and then nothing may be remembered. It may stay the same until the code that runs
   * now returns to the event loop.
   */
  epoch(): number | undefined;
  /** Makes of a selection a function that finds the row with a fingerprint. */
  byFingerprint<Row extends { fingerprint: string | null }>(
    selection: FingerprintSelection<Row>,
  ): (fingerprint: string) => MaybePromise<Row | undefined>;
  /** Makes of a query without parameters a function that tells whether it finds a row. */
  exists(query: CompiledQuery): () => MaybePromise<boolean>;
};

/** For writes that no request waits for, and that no request should wait behind. */
export type Background = {
  /** One statement, durable when the promise resolves. Rejects when it could not be written. */
  run(query: CompiledQuery): Promise<void>;
};

/** Short notices to whoever else serves from the same database. They may be lost when that is away. */
export type Bulletin = {
  announce(notice: string): void;
  /** @param hear is told the notices of others, and none of its own */
  subscribe(hear: (notice: string) => void): void;
};

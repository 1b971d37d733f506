import type { CompiledQuery, Selectable } from 'kysely';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Db, Tables } from './tables.ts';

/** A database engine, pointed at one database that exists or is to be made. */
export type Engine = {
  /** Path or URL, as a person may read it: without a password. */
  name: string;
  /** Whether Keyhearth's tables may exist. A database that is missing or empty holds nothing that could be lost. */
  hasContent(): Promise<boolean>;
  /**
   * Opens the database, makes it if needed, and leaves its tables as they are.
   * @throws StartupError for a database of another program
   */
  open(): Promise<Db>;
  /**
   * Starts what serving needs besides `open`. Call it when the tables are up to date.
   * @param databaseId the id in `database_identity`
   */
  startServices(databaseId: string): Promise<EngineServices>;
  /** An error of this engine as a sentence for the operator. Any other error stays as it is. */
  asStartupError(error: unknown): unknown;
};

export type EngineServices = {
  reader: Reader;
  backgroundWriter: BackgroundWriter;
  notifier: Notifier;
  /**
   * Checks what reads alone may not show. Reads that follow in the same turn come from the disk, not from memory.
   * @throws DomainError `database_unavailable`
   */
  assertHealthy(): void;
  /** Call it after the last query. The code that called `open` closes the database itself. */
  close(): Promise<void>;
};

/** A row of a table, as it is read. */
export type Row<Table extends keyof Tables> = Selectable<Tables[Table]>;

/** The columns of a table that hold text. */
export type TextColumn<Table extends keyof Tables> = {
  [Column in keyof Row<Table>]: Row<Table>[Column] extends string | null ? Column & string : never;
}[keyof Row<Table>];

export type Parameters = readonly (string | number)[];

/** The reads of every request, by the shortest way. They wait for no change. */
export type Reader = {
  /**
   * A number that changes when anybody commits a change. What was read at one epoch may be cached until the epoch is
   * another. Undefined while nobody can know, and then nothing may be cached. It may stay the same until the running
   * code returns to the event loop.
   */
  epoch(): number | undefined;
  /**
   * Makes a function that finds the row of a table by a column that holds unique text. It does the same work whether or
   * not there is such a row, so that its time tells nobody.
   */
  find<Table extends keyof Tables, By extends TextColumn<Table>, Column extends keyof Row<Table> & string>(
    table: Table,
    by: By,
    columns: readonly Column[],
  ): (value: NonNullable<Row<Table>[By]>) => MaybePromise<Pick<Row<Table>, Column> | undefined>;
  /**
   * Makes a function that says whether a query finds a row. It takes the query's parameters, in order, so that a
   * condition can depend on the clock; those that the query was compiled with only say how many there are.
   */
  exists(query: CompiledQuery): (...parameters: Parameters) => MaybePromise<boolean>;
};

/** Writes that no request waits for, and that must hold up no request. */
export type BackgroundWriter = {
  /** Runs one statement, which is durable when the promise resolves. Rejects when it could not be written. */
  run(query: CompiledQuery): Promise<void>;
};

/** Sends short messages to the other processes that serve the same database. They are lost while it is away. */
export type Notifier = {
  notify(message: string): void;
  /** @param onMessage called with the messages of other processes only */
  subscribe(onMessage: (message: string) => void): void;
};

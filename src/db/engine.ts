import type { CompiledQuery, Selectable } from 'kysely';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { CopySide } from './copied.ts';
import type { Db, Tables } from './tables.ts';

/** A database engine for one database, which exists or will be made. */
export type Engine = {
  /** The path or the URL of the database, without a password. */
  name: string;
  /** Whether Keyhearth's tables may exist. A database that is missing or empty holds nothing that could be lost. */
  hasContent(): Promise<boolean>;
  /** Whether another process uses the database. Call it before anything else of the engine. */
  isInUse(): Promise<boolean>;
  /**
   * Opens the database, makes it if needed, and leaves its tables as they are.
   * @throws StartupError for a database of another program
   */
  open(): Promise<Db>;
  /**
   * Starts the parts that only serving needs. Call it when the tables are up to date.
   * @param databaseId the id in `database_identity`
   */
  startServices(databaseId: string): Promise<EngineServices>;
  /**
   * Opens the database for a copy. No other process can change it until that is closed.
   * @returns undefined when another process uses the database
   */
  openForCopy(role: 'source' | 'target'): Promise<CopySide | undefined>;
  /** Makes a sentence for the operator of an error of this engine. Any other error stays as it is. */
  asStartupError(error: unknown): unknown;
};

export type EngineServices = {
  reader: Reader;
  slowReader: SlowReader;
  backgroundWriter: BackgroundWriter;
  /** Undefined when everybody who uses the database shares its memory. */
  directWriter: DirectWriter | undefined;
  notifier: Notifier;
  /** Undefined when there are no connections to wait for. */
  pool: (() => PoolState) | undefined;
  /**
   * Finds problems that reads do not show. The next reads of the same turn come from the disk, and not from memory.
   * @throws DomainError `database_unavailable`
   */
  assertHealthy(): void;
  /** Call it after the last query. The code that called `open` closes the database itself. */
  close(): Promise<void>;
};

/** Connections, and what waits for one. */
export type PoolState = Readonly<{ busy: number; idle: number; waiting: number }>;

/** A row of a table, as it is read. */
export type Row<Table extends keyof Tables> = Selectable<Tables[Table]>;

/** The columns of a table that hold text. */
export type TextColumn<Table extends keyof Tables> = {
  [Column in keyof Row<Table>]: Row<Table>[Column] extends string | null ? Column & string : never;
}[keyof Row<Table>];

export type Parameters = readonly (string | number)[];

/** The reads that each request needs, in the fastest way. They do not wait for changes. */
export type Reader = {
  /**
   * A number that changes when anybody commits a change. What was read in an epoch may be cached until the epoch changes.
   * While the epoch is not known, it is undefined, and nothing may be cached. It can stay the same until the running code
   * returns to the event loop.
   */
  epoch(): number | undefined;
  /**
   * Makes a function that finds a row by a column with unique text. It does the same work whether or not the row exists,
   * so that its duration does not reveal that.
   */
  find<Table extends keyof Tables, By extends TextColumn<Table>, Column extends keyof Row<Table> & string>(
    table: Table,
    by: By,
    columns: readonly Column[],
  ): (value: NonNullable<Row<Table>[By]>) => MaybePromise<Pick<Row<Table>, Column> | undefined>;
  /**
   * Makes a function that says whether a query finds a row. It takes the parameters of the query, in order, so that a
   * condition can depend on the clock. Of the compiled parameters, only the number matters.
   */
  exists(query: CompiledQuery): (...parameters: Parameters) => MaybePromise<boolean>;
};

/** Reads that can take a tenth of a second. Other requests do not wait for them. */
export type SlowReader = {
  /**
   * Clients have their reads in turn.
   * @throws DomainError `database_busy` when too many others wait, or when it takes too long
   */
  all<Row>(query: CompiledQuery<Row>, client: string): Promise<Row[]>;
};

/** Writes that no request waits for, and that must not delay a request. */
export type BackgroundWriter = {
  /** Runs statements in one transaction. They are durable when the promise resolves. One transaction runs at a time. */
  run(...queries: CompiledQuery[]): Promise<void>;
};

/** Writes that requests of several processes make all the time. They wait for no change of keys, and delay none. */
export type DirectWriter = {
  /** Runs one statement, which is a transaction. When the connection is lost, it may run twice. */
  run<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
};

/** Sends short messages to the other processes on the same database. They are lost while it is unavailable. */
export type Notifier = {
  notify(message: string): void;
  /** @param onMessage called with the messages of other processes only */
  subscribe(onMessage: (message: string) => void): void;
};

/** One row, by its columns. Both engines give the same values for it. */
export type CopiedRow = Readonly<Record<string, string | number | null>>;

/** All tables of one database, while no other process changes them. */
export type CopySide = {
  columns(table: string): Promise<string[]>;
  count(table: string): Promise<number>;
  rows(table: string): AsyncIterable<readonly CopiedRow[]>;
  /** Adds rows. Those whose primary key is there already stay as they are. */
  add(table: string, rows: readonly CopiedRow[]): Promise<void>;
  /** For each table that numbers its rows itself, the last number that it gave, or 0. */
  lastIds(): Promise<Map<string, number>>;
  /** Makes the next number of each table come after these. */
  continueAfter(ids: ReadonlyMap<string, number>): Promise<void>;
  clear(table: string): Promise<void>;
  /** The names of the migrations that the database has. */
  migrations(): Promise<string[]>;
  /**
   * Adds a migration, unless another process uses the database. A service that starts at the same time either is found
   * here, or reads the migration before it uses the database.
   * @returns whether it was added
   */
  addMigrationAlone(name: string): Promise<boolean>;
  removeMigration(name: string): Promise<void>;
  /** Whether no service has started on the database since it was opened. */
  isStillAlone(): Promise<boolean>;
  close(): Promise<void>;
};

/** How many rows a copy holds in memory. */
export const ROWS_AT_ONCE = 2_000;

/**
 * What a copy carries over. The others are made from these by triggers, or hold windows of rate limits, which each engine
 * keeps in its own way.
 */
export const COPIED_TABLES = [
  'database_identity',
  'bootstrap_claim',
  'accounts',
  'api_keys',
  'audit_events',
  'gateway_keys',
  'gateways',
  'import_traces',
  'invitations',
  'oauth_flows',
  'oauth_leases',
  'sessions',
  'usage_days',
  'usage_hours',
  'usage_models',
  'usage_writers',
  'webhook_messages',
  'webhook_position',
];

export const NOT_COPIED_TABLES = [
  'api_key_listing',
  'api_key_scopes',
  'rate_limit_counters',
  'rate_limit_windows',
];

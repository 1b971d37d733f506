import type { Generated, Kysely, Transaction } from 'kysely';

/** One row: what ties this database to the pepper and to the note beside it. */
export type DatabaseIdentityTable = {
  id: number;
  database_id: string;
  /** HMAC of the database id under the pepper; null asks the next start to adopt the pepper that it finds. */
  pepper_check: string | null;
};

/** One row or none: bootstrap is over, for good, once it is there. */
export type BootstrapClaimTable = {
  id: number;
  /** Milliseconds since 1970. */
  claimed_at: number;
};

export type ApiKeyTable = {
  id: Generated<number>;
  label: string;
  hint: string;
  /** Null where the raw key was never in hand under this pepper: an imported row, or one that outlived its pepper. */
  fingerprint: string | null;
  hash: string;
  /** 0 or 1: SQLite has no boolean, and one type for both engines keeps the store free of cases. */
  is_active: number;
  /** Milliseconds since 1970. */
  created_at: number;
  /** Milliseconds since 1970, or null. */
  last_used_at: number | null;
  use_count: number;
};

export type Tables = {
  database_identity: DatabaseIdentityTable;
  bootstrap_claim: BootstrapClaimTable;
  api_keys: ApiKeyTable;
};

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;

import type { Generated, Kysely, Transaction } from 'kysely';
import type { Fingerprint, KeyId } from '../lib/brand.ts';

/** One row, which ties this database to its pepper and to the marker file. */
export type DatabaseIdentityTable = {
  id: number;
  database_id: string;
  /** HMAC of the database id under the pepper; null makes the next start adopt the pepper that it finds. */
  pepper_check: string | null;
};

/** One row or none. When it exists, nobody can register a first key again. */
export type BootstrapClaimTable = {
  id: number;
  /** Milliseconds since 1970. */
  claimed_at: number;
};

export type ApiKeyTable = {
  id: Generated<KeyId>;
  label: string;
  hint: string;
  /** Null until the key is used under this pepper: the row was imported, or is older than the pepper. */
  fingerprint: Fingerprint | null;
  hash: string;
  /** 0 or 1, because SQLite has no boolean. PostgreSQL uses the same type, so the store has one form. */
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

import type { Generated, Kysely, Transaction } from 'kysely';
import type { AccountId, EventId, Fingerprint, InvitationId, KeyId, SessionId } from '../lib/brand.ts';
import type { GatewayKeyTable, GatewayTable } from './gateway-tables.ts';
import type { UsageModelTable, UsageTable, UsageWriterTable } from './usage-tables.ts';

/** One row, which ties this database to its pepper and to the marker file. */
export type DatabaseIdentityTable = {
  id: number;
  database_id: string;
  /** HMAC of the database id under the pepper; null makes the next start adopt the pepper that it finds. */
  pepper_check: string | null;
  /** Milliseconds since 1970: when this pepper took the place of another one. Null for the first one. */
  pepper_since: Generated<number | null>;
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
  /** Empty for a declared key: its file has the key, and so can make the fingerprint again. */
  hash: string;
  /** 0 or 1, because SQLite has no boolean. PostgreSQL uses the same type, so the store has one form. */
  is_active: number;
  /** Milliseconds since 1970. */
  created_at: number;
  /** Milliseconds since 1970, or null. */
  last_used_at: number | null;
  use_count: number;
  owner: Generated<string>;
  /** The part of a generated key before its last "_"; null for a key that a client supplied. */
  prefix: Generated<string | null>;
  /** Separated by spaces. */
  scopes: Generated<string>;
  /** Milliseconds since 1970; null when the key does not expire. */
  expires_at: number | null;
  /** 1 when the key expired for certain. Then a clock that goes back does not make it valid again. */
  is_expired: Generated<number>;
  /** Addresses and networks, separated by spaces. Empty when all are allowed. */
  allowed_ips: Generated<string>;
  /** JSON: a list of `name`, `limit` and `window`. */
  rate_limits: Generated<string>;
  /** JSON: an object. */
  metadata: Generated<string>;
  source: Generated<'registered' | 'created' | 'imported' | 'config'>;
  rotated_from: KeyId | null;
  rotated_to: KeyId | null;
  /** The label without differences of case; null when it is ASCII. */
  label_folded: Generated<string | null>;
  owner_folded: Generated<string | null>;
  /** The first key of a chain of rotations; null for that key itself. All keys of a chain share their rate limits. */
  root_id: KeyId | null;
  account_id: AccountId | null;
  /** What the account counts as. The changes of an account write it to all its keys, so that a look-up reads one row. */
  account_standing: 'admin' | 'member' | 'pending' | null;
  /** How many requests of the key may be open at one time; null when that is not limited. */
  max_concurrent: number | null;
};

/** A person who can sign in. */
export type AccountTable = {
  id: AccountId;
  /** In lower case. */
  email: string;
  name: string;
  role: 'admin' | 'member';
  /** Separated by spaces. */
  scopes: string;
  /** 0: the account registered itself, and no admin has approved it yet. */
  is_approved: number;
  password_hash: string;
  /** Sealed under the pepper. */
  totp_secret: string | null;
  is_totp_confirmed: number;
  /** The time step of the last code that was accepted, so that no code works twice; 0 before the first. */
  totp_counter: number;
  /** A JSON list of the codes that are left, sealed under the pepper. */
  recovery_codes: string | null;
  /** Milliseconds since 1970. */
  created_at: number;
  last_sign_in_at: number | null;
};

/** A sign-in: the cookie of a browser, or an access token. */
export type SessionTable = {
  id: Generated<SessionId>;
  account_id: AccountId;
  kind: 'session' | 'access_token';
  fingerprint: Fingerprint;
  /** Milliseconds since 1970. */
  created_at: number;
  /** When the person last gave the password. */
  signed_in_at: number;
  /** When the expiry was last moved. */
  renewed_at: number;
  expires_at: number;
  address: string;
  user_agent: string;
};

/** A link that makes one account. Its row is deleted when the link is used. */
export type InvitationTable = {
  id: Generated<InvitationId>;
  fingerprint: Fingerprint;
  /** In lower case. */
  email: string;
  role: 'admin' | 'member';
  /** Separated by spaces. */
  scopes: string;
  /** The account of the admin; null when a key of no account made it. */
  invited_by: AccountId | null;
  /** Milliseconds since 1970. */
  created_at: number;
  expires_at: number;
};

/** Who changed what. A row is written once, in the transaction of its change. */
export type AuditEventTable = {
  id: Generated<EventId>;
  /** Milliseconds since 1970. */
  at: number;
  action: string;
  actor_kind: string;
  actor_id: number | null;
  actor_hint: string | null;
  actor_label: string | null;
  /** The address of the client. */
  address: string | null;
  /** The key that was changed. It may be deleted since. */
  key_id: KeyId | null;
  /** The account that acted. */
  actor_account: AccountId | null;
  /** The account that was changed. It may be deleted since. */
  account_id: AccountId | null;
  /** JSON: the changed fields, each with `from` and `to`. */
  changes: string;
  request_id: string | null;
};

/** SQLite: the windows of rate limits that must survive a restart. */
export type RateLimitWindowTable = {
  /** The first key of a chain of rotations. */
  root_id: KeyId;
  /** Stands for the name of the limit. */
  digest: number;
  /** Milliseconds since 1970. */
  opened_at: number;
  ends_at: number;
  used: number;
};

/** PostgreSQL: the windows of all rate limits of a chain of rotations. A column `windows` has them as JSON. */
export type RateLimitCounterTable = {
  root_id: KeyId;
  /** Milliseconds since 1970: when the last window ends. */
  ends_at: number;
};

/** A sign-in with a provider, until its end is no longer of interest. */
export type OAuthFlowTable = {
  /** SHA-256 of the state, because the state itself ends the sign-in. */
  state: string;
  provider: string;
  /** The code verifier of PKCE, sealed under the pepper. */
  verifier: string;
  redirect_url: string;
  /** `used`: its answer has arrived, and the code is being exchanged. */
  status: 'pending' | 'used' | 'done' | 'failed';
  /** Why it failed. */
  error: string | null;
  /** Milliseconds since 1970. */
  expires_at: number;
};

/** Which token somebody refreshes now. */
export type OAuthLeaseTable = {
  name: string;
  /** Milliseconds since 1970. After this, another one may refresh it. */
  ends_at: number;
};

/** A message for the receiver of webhooks. */
export type WebhookMessageTable = {
  id: string;
  /** JSON. */
  body: string;
  /** How often sending it has failed. */
  attempts: number;
  /** When it is sent, in milliseconds since 1970; null when the receiver has it. */
  next_at: number | null;
  /** When the receiver got it, in milliseconds since 1970. */
  done_at: number | null;
};

/** One row or none: up to which audit event there are messages. */
export type WebhookPositionTable = {
  id: number;
  event_id: EventId;
};

/** An imported secret that is no longer the one of a key, or was a digest of another system. */
export type ImportTraceTable = {
  /** What stands for the key or for its digest, under the pepper. */
  trace: Fingerprint;
};

export type Tables = {
  database_identity: DatabaseIdentityTable;
  bootstrap_claim: BootstrapClaimTable;
  api_keys: ApiKeyTable;
  gateways: GatewayTable;
  gateway_keys: GatewayKeyTable;
  accounts: AccountTable;
  sessions: SessionTable;
  invitations: InvitationTable;
  audit_events: AuditEventTable;
  usage_hours: UsageTable;
  usage_days: UsageTable;
  usage_models: UsageModelTable;
  usage_writers: UsageWriterTable;
  rate_limit_windows: RateLimitWindowTable;
  rate_limit_counters: RateLimitCounterTable;
  oauth_flows: OAuthFlowTable;
  oauth_leases: OAuthLeaseTable;
  webhook_messages: WebhookMessageTable;
  webhook_position: WebhookPositionTable;
  import_traces: ImportTraceTable;
};

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;

/** What Keyhearth sends and accepts. A test compares these types with the schemas of the service. */

export type KeyStatus = 'active' | 'inactive' | 'expired';
export type KeySource = 'registered' | 'created' | 'imported' | 'config';

/** A key as Keyhearth describes it. Times are in seconds since 1970. */
export type ApiKey = {
  id: number;
  label: string;
  /** The first characters of the raw key. */
  hint: string;
  prefix: string | null;
  owner: string;
  account_id: string | null;
  scopes: string[];
  status: KeyStatus;
  is_active: boolean;
  expires_at: number | null;
  allowed_ips: string[];
  rate_limits: { name: string; limit: number; window: string }[];
  max_concurrent: number | null;
  metadata: Record<string, unknown>;
  source: KeySource;
  rotated_from: number | null;
  rotated_to: number | null;
  created_at: number;
  last_used_at: number | null;
  use_count: number;
};

/** A new key. No other answer contains `raw_key`: store it now. */
export type CreatedApiKey = ApiKey & { raw_key: string };

export type KeyPage = {
  keys: ApiKey[];
  /** Absent on the last page. */
  next_cursor?: string | undefined;
};

/** What is left of a rate limit. */
export type LimitState = {
  name: string;
  limit: number;
  window: string;
  remaining: number;
  /** Seconds until the window ends. 0 when none is open. */
  resets_in: number;
};

/** What Keyhearth says about a key that your service received. */
export type Verification =
  | { valid: true; code: 'VALID'; key: ApiKey; limits?: LimitState[] | undefined }
  | { valid: false; code: 'NOT_FOUND' }
  | { valid: false; code: 'INACTIVE' | 'EXPIRED' | 'IP_NOT_ALLOWED'; key: ApiKey }
  | { valid: false; code: 'INSUFFICIENT_SCOPE'; key: ApiKey; missing_scopes: string[] }
  | {
      valid: false;
      code: 'RATE_LIMITED';
      key: ApiKey;
      /** Seconds to wait. `null` if the cost is above a limit: it never passes. */
      retry_after: number | null;
      limits: LimitState[];
    }
  | { valid: false; code: 'LOCKED'; retry_after: number };

export type BootstrapStatus = { needs_bootstrap: boolean; has_db_keys: boolean };

/** What a key can be made with, and changed to. */
export type KeySettings = {
  label?: string | undefined;
  owner?: string | undefined;
  scopes?: string[] | undefined;
  /** A time as in RFC 3339, or seconds since 1970. `null`: never. */
  expires_at?: string | number | null | undefined;
  /** From now: `90d`, `12h`, `30m`, `45s`, or seconds. */
  expires_in?: string | number | undefined;
  allowed_ips?: string[] | undefined;
  rate_limits?: { name: string; limit: number; window: string | number }[] | undefined;
  max_concurrent?: number | null | undefined;
  metadata?: Record<string, unknown> | undefined;
};

export type NewKey = KeySettings & { prefix?: string | undefined };

/** `force`: allows `allowed_ips` with which your own key no longer works. */
export type KeyChange = KeySettings & { force?: boolean | undefined };

/** `grace`: how long the old key stays valid, such as `24h`. */
export type Rotation = { grace?: string | number | undefined };

type SortField = 'created_at' | 'last_used_at' | 'expires_at';

export type KeyFilter = {
  label?: string | undefined;
  owner?: string | undefined;
  status?: KeyStatus | undefined;
  scope?: string | undefined;
  source?: KeySource | undefined;
  prefix?: string | undefined;
  account_id?: string | undefined;
  sort?: SortField | `-${SortField}` | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
};

export type VerifyOptions = {
  /** The address of your client. Without it, the lockout counts nothing. */
  ip?: string | undefined;
  /** The scopes that the key must hold. */
  scope?: string[] | undefined;
  /** How much the verification takes from the rate limits of the key. */
  cost?: number | undefined;
};

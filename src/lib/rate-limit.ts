/** At most `limit` verifications in a window, which opens with the first one. */
export type RateLimit = Readonly<{
  name: string;
  limit: number;
  /** As the caller wrote it: `1m`. */
  window: string;
  windowMs: number;
}>;

/** A limit, and what is left of its window. */
export type LimitState = RateLimit &
  Readonly<{
    remaining: number;
    /** Milliseconds until the window ends; 0 when none is open. */
    resetMs: number;
  }>;

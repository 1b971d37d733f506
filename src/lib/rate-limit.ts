/** At most `limit` verifications in a window, which opens with the first one. */
export type RateLimit = Readonly<{
  name: string;
  limit: number;
  /** As the caller wrote it: `1m`. */
  window: string;
  windowMs: number;
}>;

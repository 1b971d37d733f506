/** An API key as the rest of the service sees it: never with a secret or a digest of one. */
export type ApiKey = Readonly<{
  id: number;
  label: string;
  /** The first characters of the raw key. */
  hint: string;
  isActive: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Milliseconds since 1970; null when never used. */
  lastUsedAt: number | null;
  /** How often it was used; the latest few seconds may be missing. */
  useCount: number;
}>;

import type { ApiKey, Verification } from './types.ts';

/**
 * Remembers valid keys for a short time. It holds the digests of keys, and not the keys. A key with rate limits is never
 * here, because Keyhearth counts each of its verifications.
 */
export type VerificationCache = {
  find(question: Question): Promise<ApiKey | undefined>;
  /** @param askedAt when the question was sent, by `now` */
  keep(question: Question, answer: Verification, askedAt: number): Promise<void>;
};

/** What an answer depends on. */
export type Question = { key: string; ip: string | undefined; scope: readonly string[] };

export type CacheOptions = {
  /** A revoked key passes for at most this long. */
  maxAgeMs: number;
  /** 10,000 by default. */
  maxEntries?: number | undefined;
};

/** For clocks, in milliseconds: `now` never jumps, `date` is the time since 1970. */
export type Times = { now: () => number; date: () => number };

const DEFAULT_ENTRIES = 10_000;

export function createVerificationCache(options: CacheOptions, { now, date }: Times): VerificationCache {
  const { maxAgeMs, maxEntries = DEFAULT_ENTRIES } = options;
  if (!(maxAgeMs > 0 && Number.isFinite(maxAgeMs)))
    throw new TypeError('cache.maxAgeMs must be a number above 0.');
  if (!(Number.isInteger(maxEntries) && maxEntries > 0))
    throw new TypeError('cache.maxEntries must be a whole number above 0.');
  /** The oldest entry is the first one. */
  const entries = new Map<string, { key: ApiKey; until: number }>();

  return {
    async find(question) {
      const name = await nameOf(question);
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      if (now() < entry.until) return entry.key;
      entries.delete(name);
      return undefined;
    },
    async keep(question, answer, askedAt) {
      if (!answer.valid || answer.limits !== undefined) return;
      const { key } = answer;
      const validMs = key.expires_at === null ? Number.POSITIVE_INFINITY : key.expires_at * 1_000 - date();
      const name = await nameOf(question);
      entries.delete(name);
      entries.set(name, { key, until: Math.min(askedAt + maxAgeMs, now() + validMs) });
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break;
        entries.delete(oldest);
      }
    },
  };
}

async function nameOf({ key, ip, scope }: Question): Promise<string> {
  const text = JSON.stringify([key, ip ?? null, [...scope].sort()]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

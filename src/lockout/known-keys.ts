import type { AttemptDigest } from './attempt.ts';

/** A valid attempt is remembered for a day. */
const KNOWN_MS = 24 * 60 * 60 * 1_000;

/** A digest selects a set of so many places. So nobody has to search a full table as a whole. */
const WAYS = 16;

/** The system gives memory only to pages that are used. */
export const allocateKnownKeys = (sets: number) =>
  new SharedArrayBuffer(sets * WAYS * 2 * Float64Array.BYTES_PER_ELEMENT);

/**
 * A bounded table of the valid attempts of the last day, in memory that several threads share. Call it while no other
 * thread uses it. When a set is full, the oldest attempt is dropped.
 */
export function openKnownKeys(buffer: SharedArrayBuffer) {
  const places = buffer.byteLength / (2 * Float64Array.BYTES_PER_ELEMENT);
  const sets = places / WAYS;
  /** 0 when a place is free. */
  const digests = new Float64Array(buffer, 0, places);
  /** Monotonic milliseconds of the latest valid attempt. */
  const validAt = new Float64Array(buffer, digests.byteLength, places);

  function find(digest: AttemptDigest): number | undefined {
    const first = (digest % sets) * WAYS;
    for (let place = first; place < first + WAYS; place++) if (digests[place] === digest) return place;
    return undefined;
  }

  function oldestPlace(digest: AttemptDigest): number {
    const first = (digest % sets) * WAYS;
    let oldest = first;
    for (let place = first; place < first + WAYS; place++) {
      if (digests[place] === 0) return place;
      if ((validAt[place] ?? 0) < (validAt[oldest] ?? 0)) oldest = place;
    }
    return oldest;
  }

  return {
    has(digest: AttemptDigest, now: number): boolean {
      const place = find(digest);
      return place !== undefined && now - (validAt[place] ?? 0) <= KNOWN_MS;
    },

    remember(digest: AttemptDigest, now: number): void {
      const place = find(digest) ?? oldestPlace(digest);
      digests[place] = digest;
      validAt[place] = now;
    },

    forget(digest: AttemptDigest): void {
      const place = find(digest);
      if (place !== undefined) digests[place] = 0;
    },
  };
}

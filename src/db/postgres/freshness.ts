/** A heartbeat that was sent longer ago than this vouches for nothing any more. */
const TRUST_MS = 1_500;

/**
 * Until when what is remembered of the database may be used. Notices of changes and heartbeats come through one channel
 * in the order in which they were committed; so whoever has a heartbeat back knows of every change that was committed
 * before that heartbeat was sent.
 */
export type Freshness = {
  epoch(): number | undefined;
  /** Something was changed, or may have been while nobody listened. */
  changed(): void;
  /** A heartbeat came back. @param sentAt by the same clock as `now` */
  heard(sentAt: number): void;
  /** Nobody listens any more. */
  deaf(): void;
};

/** @param now monotonic, in milliseconds */
export function createFreshness(now: () => number): Freshness {
  let epoch = 0;
  let trustedUntil = Number.NEGATIVE_INFINITY;
  return {
    epoch: () => (now() <= trustedUntil ? epoch : undefined),
    changed: () => void epoch++,
    heard: (sentAt) => {
      // One from the future is none of ours.
      if (sentAt <= now()) trustedUntil = sentAt + TRUST_MS;
    },
    deaf: () => {
      epoch++;
      trustedUntil = Number.NEGATIVE_INFINITY;
    },
  };
}

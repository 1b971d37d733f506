/** A heartbeat that was sent longer ago than this vouches for nothing any more. */
const TRUST_MS = 1_500;

/** Milliseconds of two clocks: one may stand still while the machine sleeps, the other may be set. Both are to agree. */
export type Moment = { monotonic: number; wall: number };

/**
 * Until when what is remembered of the database may be used. Notices of changes and heartbeats come through one channel
 * in the order in which they were committed; so whoever has a heartbeat back knows of every change that was committed
 * before that heartbeat was sent.
 */
export type Freshness = {
  epoch(): number | undefined;
  /** Something was changed, or may have been while nobody listened. */
  changed(): void;
  /** A heartbeat came back. @param sentAt by the same clocks as `now` */
  heard(sentAt: Moment): void;
  /** Nobody listens any more. */
  deaf(): void;
};

export function createFreshness(now: () => Moment): Freshness {
  let epoch = 0;
  let latest: Moment | undefined;

  function isTrusted(): boolean {
    if (latest === undefined) return false;
    const { monotonic, wall } = now();
    return monotonic - latest.monotonic <= TRUST_MS && wall - latest.wall <= TRUST_MS;
  }

  return {
    epoch: () => (isTrusted() ? epoch : undefined),
    changed: () => void epoch++,
    heard: (sentAt) => {
      const { monotonic, wall } = now();
      // One from the future is none of ours.
      if (sentAt.monotonic <= monotonic && sentAt.wall <= wall) latest = sentAt;
    },
    deaf: () => {
      epoch++;
      latest = undefined;
    },
  };
}

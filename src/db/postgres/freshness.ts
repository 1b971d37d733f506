/** A heartbeat that was sent longer ago than this proves nothing any more. */
const TRUST_MS = 1_500;

/** Milliseconds of two clocks: one may stand still while the machine sleeps, the other may be set. Both are to agree. */
export type Moment = { monotonic: number; wall: number };

/**
 * Says until when cached rows may be used. Changes and heartbeats come through one channel, in the order of their
 * commits. So a process that has received its own heartbeat knows of every change that was committed before it was sent.
 */
export type Freshness = {
  epoch(): number | undefined;
  /** Something was changed, or may have been while nobody listened. */
  changed(): void;
  /** A heartbeat came back. @param sentAt by the same clocks as `now` */
  beat(sentAt: Moment): void;
  /** The connection that listens was lost. */
  lost(): void;
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
    beat: (sentAt) => {
      const { monotonic, wall } = now();
      // A heartbeat from the future was sent by another clock.
      if (sentAt.monotonic <= monotonic && sentAt.wall <= wall) latest = sentAt;
    },
    lost: () => {
      epoch++;
      latest = undefined;
    },
  };
}

/** An older heartbeat proves nothing. */
const TRUST_MS = 1_500;

/** Milliseconds of two clocks. One can stop while the machine sleeps, and somebody can set the other one. */
export type Moment = { monotonic: number; wall: number };

/**
 * Decides how long cached rows may be used. Changes and heartbeats come through one channel, in the order of their
 * commits. So a process that receives its own heartbeat knows all changes that were committed before it sent that.
 */
export type Freshness = {
  epoch(): number | undefined;
  /** Call it when a row has changed, or may have changed. */
  changed(): void;
  /** Call it when a heartbeat comes back. @param sentAt by the same clocks as `now` */
  beat(sentAt: Moment): void;
  /** Call it when the connection that listens is lost. */
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
      // A heartbeat from the future means that somebody has set a clock.
      if (sentAt.monotonic <= monotonic && sentAt.wall <= wall) latest = sentAt;
    },
    lost: () => {
      epoch++;
      latest = undefined;
    },
  };
}

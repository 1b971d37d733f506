import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import type { Limiter } from './limiter.ts';
import type { SharedWindows } from './shared-windows.ts';
import { consume } from './window.ts';

/** A window of an hour or more survives a restart. */
const LASTING_MS = 60 * 60 * 1_000;

/** 48 bits: a number that JavaScript holds exactly. */
const HEX_DIGITS = 12;

/** Two names of one key with the same digest would share a window. Nobody finds such names by chance. */
const digestOf = ({ name }: RateLimit) => Number.parseInt(hash('sha256', name).slice(0, HEX_DIGITS), 16);

/** Counts in memory that all threads of this process share. It takes the time from the monotonic clock. */
export function createMemoryLimiter(table: SharedWindows, clock: Pick<Clock, 'monotonic'>) {
  /** The limits of a cached key are the same object for each request. */
  const digests = new WeakMap<readonly RateLimit[], number[]>();

  function digestsOf(limits: readonly RateLimit[]): readonly number[] {
    const known = digests.get(limits);
    if (known) return known;
    const computed = limits.map(digestOf);
    digests.set(limits, computed);
    return computed;
  }

  return {
    consume(rootId, limits, cost) {
      const ids = digestsOf(limits).map((digest) => ({ rootId, digest }));
      return table.exclusively(() => {
        const places = ids.map(table.find);
        const stored = places.map((place) => (place === undefined ? undefined : table.read(place)));
        const consumed = consume(limits, stored, cost, clock.monotonic());
        if (!consumed.isAllowed || cost === 0) return consumed;
        for (const [i, id] of ids.entries()) {
          const place = places[i] ?? table.claim(id, places);
          places[i] = place;
          const window = consumed.windows[i];
          if (window) table.write(place, window, (limits[i]?.windowMs ?? 0) >= LASTING_MS);
        }
        return consumed;
      });
    },
  } satisfies Pick<Limiter, 'consume'>;
}

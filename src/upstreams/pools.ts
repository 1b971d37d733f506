import type { Clock } from '../lib/clock.ts';
import type { Credential } from './credential.ts';

const SECOND = 1_000;

/** How long a credential rests: the time that the upstream names, within these limits. */
const REST_MS = {
  refused: 10 * 60 * SECOND,
  unreachable: 5 * SECOND,
  limited: { usual: 30 * SECOND, least: SECOND, most: 10 * 60 * SECOND },
};

/** Why a credential rests. `retryAfter`: the header of the answer. */
export type RestReason =
  | { kind: 'refused' }
  | { kind: 'unreachable' }
  | { kind: 'limited'; retryAfter: string | undefined };

/** Seconds or a date (RFC 9110, section 10.2.3). */
function limitedMs(retryAfter: string | undefined, now: number): number {
  const { usual, least, most } = REST_MS.limited;
  if (retryAfter === undefined) return usual;
  const ms = /^\d+(?:\.\d+)?$/.test(retryAfter) ? Number(retryAfter) * SECOND : Date.parse(retryAfter) - now;
  return Number.isNaN(ms) ? usual : Math.min(most, Math.max(least, ms));
}

/** Credentials take turns, and those that an upstream does not take at the moment rest. */
export function createPools(clock: Clock) {
  /** When each credential may be used again, by `idOf`. It outlives a reload of the file. */
  const rests = new Map<string, number>();
  const turns = new WeakMap<readonly Credential[], number>();

  const restUntil = (credential: Credential): number => rests.get(idOf(credential)) ?? 0;

  function restsAt(credential: Credential, now: number): boolean {
    if (rests.size === 0) return false;
    const until = restUntil(credential);
    if (until > 0 && until <= now) rests.delete(idOf(credential));
    return until > now;
  }

  return {
    /**
     * The next credential of a pool. When all rest, it is the one whose rest ends first.
     * @param tried those that the request has tried already
     */
    take(pool: readonly Credential[], tried: readonly Credential[] = []): Credential | undefined {
      if (pool.length === 1 && tried.length === 0) return pool[0];
      const turn = turns.get(pool) ?? 0;
      turns.set(pool, turn + 1);
      const now = clock.monotonic();
      let best: Credential | undefined;
      for (let i = 0; i < pool.length; i++) {
        const credential = pool[(turn + i) % pool.length];
        // One that cannot be reached stands for all of the same host.
        if (!credential || tried.some(({ origin }) => origin === credential.origin)) continue;
        if (!restsAt(credential, now)) return credential;
        if (!best || restUntil(credential) < restUntil(best)) best = credential;
      }
      return best;
    },

    /** @returns for how many milliseconds it rests */
    rest(credential: Credential, reason: RestReason): number {
      const ms = reason.kind === 'limited' ? limitedMs(reason.retryAfter, clock.now()) : REST_MS[reason.kind];
      rests.set(idOf(credential), clock.monotonic() + ms);
      return ms;
    },

    /** Milliseconds until a credential may be used again; 0 when it does not rest. */
    restLeft: (credential: Credential): number => Math.max(0, restUntil(credential) - clock.monotonic()),

    /** Forgets the rests of credentials that are gone. */
    keepOnly(credentials: readonly Credential[]): void {
      const ids = new Set(credentials.map(idOf));
      for (const id of rests.keys()) if (!ids.has(id)) rests.delete(id);
    },
  };
}

const idOf = ({ origin, basePath, secret }: Credential) => `${origin}${basePath} ${secret}`;

import { KeyId } from '../lib/brand.ts';
import { OUTCOMES, type Outcome, UNKNOWN_KEY } from './outcome.ts';
import { HOUR_MS, startOf } from './period.ts';

/** The number of uses that are recorded one after another before they are summed up. */
const MAX_RECORDS = 1_024;

/** Recorded in place of an outcome: the key was used here, and was not verified for somebody else. */
const MANAGEMENT = OUTCOMES.length;

const codeOf = Object.fromEntries(OUTCOMES.map((outcome, code) => [outcome, code])) as Record<
  Outcome,
  number
>;

const VALID = codeOf.VALID;

/** The verifications of one hour, by the place of their outcome in OUTCOMES. `start` in milliseconds since 1970. */
export type HourCounts = { start: number; counts: number[] };

/** What is counted of a key since the last write; `lastUsedAt` in milliseconds since 1970, 0 when it was not used. */
export type KeyUsage = { id: KeyId; count: number; lastUsedAt: number; hours: HourCounts[] };

export type Tally = ReturnType<typeof createTally>;

/** Counts in memory. @param keepsHours whether it counts by hour too */
export function createTally(keepsHours: boolean) {
  let usages = new Map<KeyId, KeyUsage>();
  const ids = new Float64Array(MAX_RECORDS);
  const times = new Float64Array(MAX_RECORDS);
  const codes = new Uint8Array(MAX_RECORDS);
  let records = 0;

  /** One look-up among thousands of keys is slow. Many in a row are fast, because the map is then in the processor's cache. */
  function record(id: KeyId, at: number, code: number): void {
    ids[records] = id;
    times[records] = at;
    codes[records] = code;
    records++;
    if (records === MAX_RECORDS) sumUp();
  }

  function sumUp(): void {
    for (let i = 0; i < records; i++) add(KeyId(ids[i] ?? 0), times[i] ?? 0, codes[i] ?? 0);
    records = 0;
  }

  function add(id: KeyId, at: number, code: number): void {
    if (id === UNKNOWN_KEY) return;
    const isUse = code === VALID || code === MANAGEMENT;
    if (!isUse && !keepsHours) return;
    const usage = usageOf(id);
    if (isUse) {
      usage.count++;
      usage.lastUsedAt = Math.max(usage.lastUsedAt, at);
    }
    if (keepsHours && code !== MANAGEMENT) addTo(usage, startOf(at, HOUR_MS), code, 1);
  }

  function usageOf(id: KeyId): KeyUsage {
    const known = usages.get(id);
    if (known) return known;
    const usage = { id, count: 0, lastUsedAt: 0, hours: [] };
    usages.set(id, usage);
    return usage;
  }

  return {
    /** Counts a use of a key that is no verification. */
    use: (id: KeyId, at: number) => record(id, at, MANAGEMENT),

    verification: (id: KeyId, at: number, outcome: Outcome) => record(id, at, codeOf[outcome]),

    isEmpty: () => records === 0 && usages.size === 0,

    /** How many keys and uses wait to be taken. */
    size: () => records + usages.size,

    /** Takes everything that was counted. */
    take(): KeyUsage[] {
      sumUp();
      const taken = [...usages.values()];
      usages = new Map();
      return taken;
    },

    /** Adds what was taken and could not be written. */
    putBack({ id, count, lastUsedAt, hours }: KeyUsage): void {
      const usage = usageOf(id);
      usage.count += count;
      usage.lastUsedAt = Math.max(usage.lastUsedAt, lastUsedAt);
      for (const { start, counts } of hours)
        for (const [code, n] of counts.entries()) addTo(usage, start, code, n);
    },
  };
}

export function addTo({ hours }: Pick<KeyUsage, 'hours'>, start: number, code: number, n: number): void {
  let hour = hours.at(-1);
  if (hour?.start !== start) {
    hour = hours.find((other) => other.start === start);
    if (!hour) {
      hour = { start, counts: OUTCOMES.map(() => 0) };
      hours.push(hour);
    }
  }
  hour.counts[code] = (hour.counts[code] ?? 0) + n;
}

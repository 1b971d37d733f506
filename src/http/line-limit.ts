/** The number of answers of each status that have no line of their own. */
type Statuses = Record<number, number>;

type Tally = { since: number; written: number; repeated: number; statuses: Statuses };

/** Lines that are only counted. `client` is undefined for the clients that are not tracked. */
export type Summary = Readonly<{
  client: string | undefined;
  repeated: number;
  statuses: Readonly<Statuses>;
}>;

export type LineLimit = {
  /** Whether a line about a client may be written. If not, it is counted for a summary. */
  admit(client: string, status: number): boolean;
  /** Begins the next second. @returns the summaries that are due */
  nextSecond(): Summary[];
  /** @returns summaries of everything that is only counted so far */
  drain(): Summary[];
};

const LINES_PER_CLIENT = 10;
const SECONDS_PER_SUMMARY = 10;
const MAX_CLIENTS = 1_000;

/** One in five lines of a second is reserved for summaries. */
const SUMMARIES_SHARE = 0.2;

/**
 * Decides which lines about clients are written. In ten seconds, a client gets ten lines, and then one summary of the rest.
 * All clients together get `linesPerSecond` lines, with the summaries.
 */
export function createLineLimit(linesPerSecond: number): LineLimit {
  const maxSummaries = Math.max(1, Math.floor(linesPerSecond * SUMMARIES_SHARE));
  const maxLines = Math.max(1, linesPerSecond - maxSummaries);
  // In the order of their first line, so the first ones are due first.
  const tallies = new Map<string, Tally>();
  let others = newTally(0);
  let second = 0;
  let linesLeft = maxLines;

  function tallyOf(client: string): Tally {
    const known = tallies.get(client);
    if (known) return known;
    if (tallies.size >= MAX_CLIENTS) return others;
    const tally = newTally(second);
    tallies.set(client, tally);
    return tally;
  }

  function take(count: number, isDue: (tally: Tally) => boolean): Summary[] {
    const summaries: Summary[] = [];
    for (const [client, tally] of tallies) {
      if (summaries.length >= count || !isDue(tally)) break;
      tallies.delete(client);
      if (tally.repeated > 0) summaries.push(summaryOf(client, tally));
    }
    if (others.repeated > 0) summaries.push(summaryOf(undefined, others));
    others = newTally(second);
    return summaries;
  }

  return {
    admit(client, status) {
      const tally = tallyOf(client);
      if (tally !== others && tally.written < LINES_PER_CLIENT && linesLeft > 0) {
        tally.written++;
        linesLeft--;
        return true;
      }
      tally.repeated++;
      tally.statuses[status] = (tally.statuses[status] ?? 0) + 1;
      return false;
    },
    nextSecond() {
      second++;
      linesLeft = maxLines;
      return take(maxSummaries - 1, ({ since }) => second - since >= SECONDS_PER_SUMMARY);
    },
    drain: () => take(MAX_CLIENTS, () => true),
  };
}

const newTally = (since: number): Tally => ({ since, written: 0, repeated: 0, statuses: {} });

const summaryOf = (client: string | undefined, { repeated, statuses }: Tally): Summary => ({
  client,
  repeated,
  statuses,
});

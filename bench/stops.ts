import { join } from 'node:path';
import { progress, runCommand } from './command.ts';
import { makeWorkDirectory } from './processes.ts';
import { type Order, type Stop, stopUnderLoad } from './stops/stop.ts';

/** Stops the service under load, again and again: how many requests are lost, and how many lines of the log? */

const DEFAULT_STOPS = 20;
const MOST_STOPS = 1_000;
/** Lost lines are rarer, and such a stop is quicker. */
const LOG_STOPS_FOR_EACH = 5;

const PER_SECOND = 1_000;
const ANSWERS = 500;
/** More lines than the buffers between the service and its reader hold. */
const LINES = 1_500;

const directory = makeWorkDirectory('keyhearth-bench-stops-');

type Series = { name: string; stops: number; order: Omit<Order, 'dataDir'> };

const requestSeries = (stops: number): Series[] =>
  ([1, 2] as const).flatMap((workers) =>
    (['open', 'closed'] as const).flatMap((loop) =>
      (['fresh', 'kept'] as const).map((connections) => ({
        name: `${loop} loop, ${connections} connections, ${workers === 1 ? '1 worker' : '2 workers'}`,
        stops,
        order: {
          workers,
          load: { loop, connections, perSecond: PER_SECOND },
          answers: ANSWERS,
          reader: 'at once' as const,
        },
      })),
    ),
  );

const logSeries = (stops: number): Series[] =>
  (['at once', 'late'] as const).map((reader) => ({
    name: `the reader of the log reads ${reader}`,
    stops: stops * LOG_STOPS_FOR_EACH,
    order: {
      workers: 1,
      load: { loop: 'closed', connections: 'kept', perSecond: 10 * PER_SECOND },
      answers: LINES,
      reader,
    },
  }));

async function measure({ name, stops, order }: Series): Promise<boolean> {
  const results: Stop[] = [];
  progress(`${name}: ${stops} stops`);
  while (results.length < stops) {
    results.push(await stopUnderLoad({ dataDir: join(directory, 'data'), ...order }));
  }
  const sum = (of: (stop: Stop) => number) => results.reduce((total, stop) => total + of(stop), 0);
  const lost = results.flatMap((stop) => stop.lost);
  const missing = sum(({ missingLines }) => missingLines);
  const wrongEnds = results.filter(({ wrongEnd }) => wrongEnd !== undefined);
  progress('');
  process.stdout.write(
    `${name}: ${stops} stops, ${sum(({ answered }) => answered)} answers, ${lost.length} requests lost${reasons(lost)}, ${missing} lines missing, ${wrongEnds.length} logs without the last line\n`,
  );
  return lost.length === 0 && missing === 0 && wrongEnds.length === 0;
}

/** For example " (3 × ECONNRESET)". */
function reasons(lost: readonly string[]): string {
  const counts = [...new Set(lost)].map(
    (reason) => `${lost.filter((other) => other === reason).length} × ${reason}`,
  );
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

async function run(): Promise<void> {
  const stops = Number(process.argv[2] ?? DEFAULT_STOPS);
  if (!(Number.isInteger(stops) && stops >= 1 && stops <= MOST_STOPS)) {
    throw new Error(`the number of stops must be from 1 to ${MOST_STOPS}`);
  }
  let isMet = true;
  for (const series of [...requestSeries(stops), ...logSeries(stops)]) {
    isMet = (await measure(series)) && isMet;
  }
  if (!isMet) throw new Error('requests or lines were lost');
}

await runCommand('bench:stops', run);

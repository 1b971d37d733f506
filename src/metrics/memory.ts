import { threadId } from 'node:worker_threads';
import { OPEN, type OpenMetricName, PORTS, type Port, WATCHED_CODES } from './catalogue.ts';
import { FIXED_NUMBERS, GAUGE_PLACES } from './layout.ts';
import { allocateSeries, MAX_SERIES, openSeries, releaseSeries, type SeriesMemory } from './series.ts';

/** The numbers of all workers, in memory that the threads of a process share. */
export type MetricsMemory = Readonly<{
  /** The id of the thread that each worker is + 1, or 0. */
  owners: Int32Array<SharedArrayBuffer>;
  /** Each worker has the fixed numbers, then one for each series. */
  numbers: Float64Array<SharedArrayBuffer>;
  series: SeriesMemory;
  /** When the certificate of each port expires, in milliseconds since 1970, or 0. All workers write the same. */
  certificates: Float64Array<SharedArrayBuffer>;
}>;

const EACH = FIXED_NUMBERS + MAX_SERIES;

/** The system gives memory only to pages that are used. */
export function allocateMetrics(workers: number): MetricsMemory {
  const series = allocateSeries();
  const { indexOf } = openSeries(series);
  // What finds no place later is counted here.
  for (const name of Object.keys(OPEN) as OpenMetricName[]) indexOf(name, othersOf(name));
  for (const code of WATCHED_CODES) indexOf('refusals', ['core', code]);
  return {
    owners: new Int32Array(new SharedArrayBuffer(workers * Int32Array.BYTES_PER_ELEMENT)),
    numbers: new Float64Array(new SharedArrayBuffer(workers * EACH * Float64Array.BYTES_PER_ELEMENT)),
    series,
    certificates: new Float64Array(new SharedArrayBuffer(PORTS.length * Float64Array.BYTES_PER_ELEMENT)),
  };
}

/** The labels of everything for which there is no place. */
export const othersOf = (name: OpenMetricName): string[] => OPEN[name].labels.map(() => 'other');

const numbersOf = ({ numbers }: MetricsMemory, worker: number) =>
  numbers.subarray(worker * EACH, (worker + 1) * EACH);

/**
 * The numbers of this thread. Only this thread changes them, so it needs no lock. A thread that replaces another one
 * continues to count where that one has stopped.
 */
export function takeNumbers(memory: MetricsMemory, thread = threadId): Float64Array {
  const { owners } = memory;
  let worker = owners.indexOf(thread + 1);
  for (let i = 0; worker === -1 && i < owners.length; i++)
    if (Atomics.compareExchange(owners, i, 0, thread + 1) === 0) worker = i;
  // Only tests have more threads than workers. Two that count together may lose a count.
  return numbersOf(memory, Math.max(worker, 0));
}

/** Lets another thread continue when this one has ended. */
export function releaseMetrics(memory: MetricsMemory, deadThread: number): void {
  releaseSeries(memory.series, deadThread);
  const worker = memory.owners.indexOf(deadThread + 1);
  if (worker === -1) return;
  const numbers = numbersOf(memory, worker);
  for (const place of GAUGE_PLACES) numbers[place] = 0;
  Atomics.store(memory.owners, worker, 0);
}

/** The sums over all workers. */
export function sumNumbers(memory: MetricsMemory): Float64Array {
  const sums = new Float64Array(EACH);
  for (const [i, number] of memory.numbers.entries())
    if (number !== 0) sums[i % EACH] = (sums[i % EACH] ?? 0) + number;
  return sums;
}

/** Remembers when the certificate of a port expires. */
export const recordExpiry =
  ({ certificates }: MetricsMemory, port: Port) =>
  (expiresAt: number): void => {
    certificates[PORTS.indexOf(port)] = expiresAt;
  };

/** How many workers run. */
export const countWorkers = ({ owners }: MetricsMemory) => owners.filter((owner) => owner !== 0).length;

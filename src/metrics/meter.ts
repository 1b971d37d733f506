import { FIXED, type FixedMetric, type Metric, type OpenMetricName } from './catalogue.ts';
import { FIXED_NUMBERS, placeOf } from './layout.ts';
import { type MetricsMemory, othersOf, takeNumbers } from './memory.ts';
import { openSeries } from './series.ts';

/** Counts what this thread does. Counting takes nanoseconds, because it writes plain numbers. */
export type Meter = {
  /** Makes a function that counts one. */
  counter(name: FixedMetric, value?: string): () => void;
  /** Makes a function that records a duration. */
  histogram(name: FixedMetric, value?: string): (seconds: number) => void;
  /** Reads a number again each second, and before this thread answers a request for the metrics. */
  gauge(name: FixedMetric, value: string | undefined, read: () => number): void;
  /** Makes a function that counts one. Keep it: to make it takes longer than to use it. */
  series(name: OpenMetricName, labels: readonly string[]): () => void;
  /** Reads all gauges now. */
  readGauges(): void;
  close(): void;
};

const SAMPLE_EVERY_MS = 100;
const GAUGES_EVERY_SAMPLES = 10;

export function openMeter(memory: MetricsMemory): Meter {
  const numbers = takeNumbers(memory);
  const { indexOf } = openSeries(memory.series);
  const gauges: { place: number; read: () => number }[] = [];

  const countAt = (place: number) => () => {
    numbers[place] = (numbers[place] ?? 0) + 1;
  };

  function histogram(name: FixedMetric, value?: string): (seconds: number) => void {
    const { buckets = [] }: Metric = FIXED[name];
    const bounds = Float64Array.from(buckets);
    const first = placeOf(name, value);
    const sum = first + bounds.length + 1;
    return (seconds) => {
      let bucket = 0;
      while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket++;
      numbers[first + bucket] = (numbers[first + bucket] ?? 0) + 1;
      numbers[sum] = (numbers[sum] ?? 0) + seconds;
    };
  }

  function readGauges(): void {
    for (const { place, read } of gauges) numbers[place] = read();
  }

  const recordDelay = histogram('eventLoopSeconds');
  let samples = 0;
  let expectedAt = performance.now() + SAMPLE_EVERY_MS;

  function sample(): void {
    const now = performance.now();
    recordDelay(Math.max(0, now - expectedAt) / 1_000);
    expectedAt = now + SAMPLE_EVERY_MS;
    if (++samples % GAUGES_EVERY_SAMPLES === 0) readGauges();
  }

  const timer = setInterval(sample, SAMPLE_EVERY_MS).unref();

  return {
    counter: (name, value) => countAt(placeOf(name, value)),
    histogram,
    gauge: (name, value, read) => void gauges.push({ place: placeOf(name, value), read }),
    series(name, labels) {
      const index = indexOf(name, labels) ?? indexOf(name, othersOf(name)) ?? 0;
      return countAt(FIXED_NUMBERS + index);
    },
    readGauges,
    close: () => clearInterval(timer),
  };
}

import { FIXED, type FixedMetric, type Metric } from './catalogue.ts';

/** Where the numbers of the fixed metrics are in the memory of a worker. */

/** A histogram has a number for each bucket, one for what is above all of them, and the sum. */
const numbersOf = ({ buckets }: Metric) => (buckets ? buckets.length + 2 : 1);

const widthOf = (metric: Metric) => (metric.values?.length ?? 1) * numbersOf(metric);

const names = Object.keys(FIXED) as FixedMetric[];
const starts = new Map<FixedMetric, number>();
let end = 0;
for (const name of names) {
  starts.set(name, end);
  end += widthOf(FIXED[name]);
}

/** The numbers of all fixed metrics. */
export const FIXED_NUMBERS = end;

/**
 * The first number of a metric, or of one value of its label.
 * @throws RangeError for a value that the metric does not have
 */
export function placeOf(name: FixedMetric, value?: string): number {
  const metric: Metric = FIXED[name];
  const index = value === undefined ? 0 : (metric.values ?? []).indexOf(value);
  if (index === -1) throw new RangeError(`${metric.name} has no value ${value}`);
  return (starts.get(name) ?? 0) + index * numbersOf(metric);
}

/** The places of the gauges, which describe a worker that runs. */
export const GAUGE_PLACES: readonly number[] = names
  .filter((name) => FIXED[name].type === 'gauge')
  .flatMap((name) => Array.from({ length: widthOf(FIXED[name]) }, (_, i) => placeOf(name) + i));

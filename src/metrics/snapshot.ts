import { product } from '../lib/product.ts';
import { FIXED, type FixedMetric, type Metric, OPEN, type OpenMetricName, PORTS, READ } from './catalogue.ts';
import { FIXED_NUMBERS, placeOf } from './layout.ts';
import { countWorkers, type MetricsMemory, sumNumbers } from './memory.ts';
import { openSeries } from './series.ts';

type Labels = Readonly<Record<string, string>>;
type Value = Readonly<{ value: number; labels: Labels; metricName?: string }>;

/** A metric with its values, as prom-client has them. */
export type Family = Pick<Metric, 'name' | 'help' | 'type'> & Readonly<{ values: readonly Value[] }>;

/** What is not in the memory of the metrics. */
export type Surroundings = Readonly<{
  /** By kind, how many are locked out now. */
  lockouts: () => Readonly<Record<string, number>>;
}>;

/** What all workers have counted together. */
export function snapshot(memory: MetricsMemory, surroundings: Surroundings): Family[] {
  const sums = sumNumbers(memory);
  return [
    ...openFamilies(memory, sums),
    ...(Object.keys(FIXED) as FixedMetric[]).map((name) => fixedFamily(name, sums)),
    ...readFamilies(memory, surroundings),
  ];
}

function openFamilies({ series }: MetricsMemory, sums: Float64Array): Family[] {
  const listed = openSeries(series).list();
  return (Object.keys(OPEN) as OpenMetricName[]).map((name) => {
    const { labels: names, ...metric } = OPEN[name];
    const values = listed.flatMap(({ metric, labels }, i) => {
      const value = sums[FIXED_NUMBERS + i] ?? 0;
      const isUnused = value === 0 && labels.every((label) => label === 'other');
      if (metric !== name || isUnused) return [];
      return [{ value, labels: Object.fromEntries(names.map((label, j) => [label, labels[j] ?? ''])) }];
    });
    return { ...metric, type: 'counter', values };
  });
}

function fixedFamily(name: FixedMetric, sums: Float64Array): Family {
  const metric: Metric = FIXED[name];
  const { help, type, label, buckets } = metric;
  const of = (value: string | undefined): Value[] => {
    const labels: Labels = label === undefined || value === undefined ? {} : { [label]: value };
    const place = placeOf(name, value);
    return buckets
      ? histogramValues(metric.name, labels, buckets, sums.subarray(place))
      : [{ value: sums[place] ?? 0, labels }];
  };
  const values: readonly (string | undefined)[] = metric.values ?? [undefined];
  return { name: metric.name, help, type, values: values.flatMap(of) };
}

/** @param numbers what fell into each bucket, then what is above all of them, then the sum */
function histogramValues(
  name: string,
  labels: Labels,
  buckets: readonly number[],
  numbers: Float64Array,
): Value[] {
  let count = 0;
  const upTo = [...buckets.map(String), '+Inf'].map((le, i) => {
    count += numbers[i] ?? 0;
    return { value: count, labels: { le, ...labels }, metricName: `${name}_bucket` };
  });
  const sum = numbers[buckets.length + 1] ?? 0;
  return [
    ...upTo,
    { value: sum, labels, metricName: `${name}_sum` },
    { value: count, labels, metricName: `${name}_count` },
  ];
}

function readFamilies(memory: MetricsMemory, { lockouts }: Surroundings): Family[] {
  const { user, system } = process.cpuUsage();
  const one = (value: number, labels: Labels = {}) => [{ value, labels }];
  return [
    {
      ...READ.lockouts,
      values: Object.entries(lockouts()).map(([kind, value]) => ({ value, labels: { kind } })),
    },
    {
      ...READ.certificates,
      values: PORTS.flatMap((port, i) => {
        const expiresAt = memory.certificates[i] ?? 0;
        return expiresAt === 0 ? [] : one(Math.round(expiresAt / 1_000), { port });
      }),
    },
    { ...READ.workers, values: one(countWorkers(memory)) },
    { ...READ.build, values: one(1, { version: product.version, node: process.versions.node }) },
    { ...READ.cpu, values: one((user + system) / 1e6) },
    { ...READ.memory, values: one(process.memoryUsage.rss()) },
    { ...READ.started, values: one(Math.round(performance.timeOrigin / 1_000)) },
  ];
}

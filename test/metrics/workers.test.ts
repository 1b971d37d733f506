import { expect, test } from 'vitest';
import { filesOf, textOf } from '../../docs/imports.ts';
import { FIXED, type FixedMetric, type Metric } from '../../src/metrics/catalogue.ts';
import { placeOf } from '../../src/metrics/layout.ts';
import { allocateMetrics, releaseMetrics, sumNumbers, takeNumbers } from '../../src/metrics/memory.ts';
import { openMeter } from '../../src/metrics/meter.ts';
import { snapshot } from '../../src/metrics/snapshot.ts';

const valid = placeOf('verifications', 'VALID');
const waiting = placeOf('bcrypt', 'waiting');

test('the numbers of a worker outlive it, but not what it had to do', () => {
  const memory = allocateMetrics(2);
  const first = takeNumbers(memory, 11);
  const second = takeNumbers(memory, 12);
  first[valid] = 5;
  first[waiting] = 3;
  second[valid] = 7;
  second[waiting] = 1;
  releaseMetrics(memory, 11);
  const third = takeNumbers(memory, 13);
  third[valid] = (third[valid] ?? 0) + 1;
  const sums = sumNumbers(memory);
  expect([sums[valid], sums[waiting]]).toEqual([13, 1]);
});

test('each number has a place of its own', () => {
  const memory = allocateMetrics(1);
  const meter = openMeter(memory);
  meter.close();
  const expected: [string, number][] = [];
  let n = 0;
  for (const name of Object.keys(FIXED) as FixedMetric[]) {
    const metric: Metric = FIXED[name];
    for (const value of metric.values ?? [undefined]) {
      n++;
      const labels = value === undefined ? '' : `{${value}}`;
      if (metric.type === 'histogram') {
        // Above all buckets, where the sum comes next.
        for (let i = 0; i < n; i++) meter.histogram(name, value)(1_000);
        expected.push([`${metric.name}_sum${labels}`, n * 1_000], [`${metric.name}_count${labels}`, n]);
      } else {
        meter.gauge(
          name,
          value,
          (
            (count) => () =>
              count
          )(n),
        );
        expected.push([`${metric.name}${labels}`, n]);
      }
    }
  }
  meter.readGauges();
  const shown = new Map(
    snapshot(memory, { lockouts: () => ({}) }).flatMap(({ name, values }) =>
      values.map(({ value, labels, metricName = name }): [string, number] => {
        const [label] = Object.values(labels);
        return [label === undefined ? metricName : `${metricName}{${label}}`, value];
      }),
    ),
  );
  for (const [series, value] of expected)
    expect({ series, value: shown.get(series) }).toEqual({ series, value });
});

test('nothing loads prom-client before somebody asks for the metrics', () => {
  const naming = filesOf('src/**/*.ts').filter((file) => textOf(file).includes("'prom-client'"));
  expect(naming).toEqual(['src/metrics/exposition.ts']);
  expect(textOf('src/metrics/exposition.ts').match(/.*'prom-client'.*/g)).toEqual([
    "  const { AggregatorRegistry } = (await import('prom-client')).default;",
  ]);
});

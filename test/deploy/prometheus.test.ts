import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { problemCodes } from '../../src/http/dialects/problem.ts';
import { ALL, FIXED, type Metric, UNKNOWN } from '../../src/metrics/catalogue.ts';
import { OUTCOMES } from '../../src/usage/outcome.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const textOf = (file: string) => readFileSync(join(DEPLOY, file), 'utf8');

type Rule = { alert: string; expr: string; annotations: { summary: string; description: string } };
const rules: Rule[] = parse(textOf('prometheus/alerts.yml')).groups[0].rules;

type Panel = { id: number; title: string; targets: { expr: string }[] };
const dashboard: { panels: Panel[] } = JSON.parse(textOf('prometheus/grafana.json'));

const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];

/** The names of series: a histogram has three. */
const series = new Set(
  ALL.flatMap((metric) =>
    'type' in metric && metric.type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((suffix) => metric.name + suffix)
      : [metric.name],
  ),
);

test.each(expressions)('%s: the metrics in %s exist', (_, expression) => {
  const named = expression.match(/\b(?:keyhearth|process)_\w+|\bup\b/g) ?? [];
  expect(named).not.toEqual([]);
  expect(named.filter((name) => name !== 'up' && !series.has(name))).toEqual([]);
});

test.each(expressions)('%s: the labels in %s have these values', (_, expression) => {
  const known: Record<string, readonly string[]> = { code: problemCodes, outcome: [...OUTCOMES, UNKNOWN] };
  for (const { label, values } of Object.values<Metric>(FIXED))
    if (label !== undefined && values) known[label] = [...(known[label] ?? []), ...values];
  for (const [, label = '', value = ''] of expression.matchAll(/(\w+)=~?"([^"$]*)"/g))
    for (const each of value.split('|')) expect(known[label] ?? ['keyhearth']).toContain(each);
});

test('each metric is in the dashboard, except the time of the start', () => {
  const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  const missing = ALL.map(({ name }) => name).filter((name) => !shown.includes(name));
  expect(missing).toEqual(['process_start_time_seconds']);
});

test('the panels have ids of their own, and the alerts say what is wrong', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { annotations } of rules) expect(Object.values(annotations).every(Boolean)).toBe(true);
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

test.runIf(hasPromtool)('promtool finds no mistake in the configuration and the alerts', () => {
  const { status, stdout, stderr } = spawnSync(
    'promtool',
    ['check', 'config', join(DEPLOY, 'prometheus/prometheus.yml')],
    { encoding: 'utf8' },
  );
  expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 });
});

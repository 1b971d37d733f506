import type { Storm } from './cluster/storm.ts';
import { medianBusyCores, medianP99, medianPerSecond, type Results } from './rounds.ts';
import type { Scenario } from './scenarios.ts';
import {
  coreComparisons,
  ratiosOf,
  ratioTarget,
  type SingleFigures,
  type Target,
  targetRow,
} from './targets.ts';
import { coresNeeded, hasRoomForWorkers, workersOn } from './workers.ts';

/** Of all processes of a server together: as the system counts it, and with shared pages counted once. */
export type Footprint = {
  id: string;
  title: string;
  residentMb: number;
  proportionalMb: number | undefined;
};

export type Report = {
  machine: readonly [string, string][];
  cores: number;
  targets: readonly Target[];
  scenarios: readonly Scenario[];
  results: Results;
  single: SingleFigures;
  footprints: readonly Footprint[];
};

const whole = (value: number) => Math.round(value).toLocaleString('en');

const rawRows = ({ scenarios, results }: Pick<Report, 'scenarios' | 'results'>) =>
  scenarios.map(({ id, title, description }) => [
    title,
    whole(medianPerSecond(results, id)),
    `${medianP99(results, id).toFixed(2)} ms`,
    description,
  ]);

const TARGET_HEAD = ['figure', 'target', 'reached', 'met'];

/** For the terminal. */
export const renderText = (report: Report) =>
  [align([TARGET_HEAD, ...report.targets.map(targetRow)]), rawTable(report), ''].join('\n\n');

/** For the terminal: the first group only, and how much the ratios of its passes differ. */
export function renderCore(report: Pick<Report, 'scenarios' | 'results'>): string {
  const { results } = report;
  const rows = coreComparisons(results).map((comparison) => {
    const all = ratiosOf(results, comparison);
    const [lowest, highest] = [Math.min(...all), Math.max(...all)].map((ratio) => ratio.toFixed(2));
    return [...targetRow(ratioTarget(results, comparison)), `${lowest} to ${highest}`];
  });
  return [align([[...TARGET_HEAD, 'passes'], ...rows]), rawTable(report), ''].join('\n\n');
}

function rawTable(report: Pick<Report, 'scenarios' | 'results'>): string {
  const rows = rawRows(report).map((row) => row.slice(0, 3).map((cell) => cell.replaceAll('`', '')));
  return align([['scenario', 'requests/s', 'p99'], ...rows]);
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The whole of docs/benchmarks.md. */
export function renderMarkdown(report: Report): string {
  const { single } = report;
  return `# Benchmarks

\`npm run bench\` writes this page; do not edit it. All programs ran on one machine in one run,
including the load generator. Another machine has other figures. Compare only the ratios.

${table(['', ''], report.machine)}

## Targets

${table(TARGET_HEAD, report.targets.map(targetRow))}

A ratio is the median of the ratios of all passes. ${roomFor(report)}

Memory at rest was ${whole(single.memoryOneMb)} MB with one key and ${whole(single.memoryMillionMb)} MB with a million keys, ${processesOf(single.counts.memoryRuns)}.

## Figures

![Requests per second of every scenario](benchmarks.svg)

${table(['scenario', 'requests/s', 'p99', ''], rawRows(report))}

Each figure is the median of all passes. A round has four passes. In a pass, the scenarios that we compare run in turns,
two seconds each. The first of the two seconds does not count. Every second pass has the reverse order. The scenarios
run in turns because the other work of the machine changes all the time.

Each round starts its servers again, because one process can be 10 % faster than another. Each server has three
seconds to warm up. Every request carries a key, and the same script of the load generator sends all requests.
${pressureOf(report)}

The load generator checks each status. A wrong status ends the run. Keyhearth logs to a file at its default level. At
this level, the verification of a valid key writes no line.

better-auth runs in production mode, without rate limiting and logging, with deferred updates and
\`synchronous=NORMAL\`. better-auth writes the time of each use at once. Keyhearth collects these times
for five seconds.

${replicaSection(single)}

## Threads or processes

The same small handler (a digest of a header, and JSON) runs in worker threads that share a port, and in processes of
\`node:cluster\`:

${footprintTable(report)}

Keyhearth serves from threads. They share the memory in which the lockout counts, so an address has five attempts in
all, and not five for each worker. They write one log, and one signal stops them. The kernel gives each connection
directly to a thread. With processes, a crash ends only one of them. That matters less here, because Keyhearth replaces
a thread that fails.

${REPEAT}`;
}

const REPEAT = `## Repeat it

<!-- not run: takes twenty minutes -->
\`\`\`
npm run bench                           # everything, and writes this file and its plot
npm run bench:verify                    # the first group only, in less than four minutes; writes no file
BENCH_BEFORE=main npm run bench:verify  # the same, beside another commit or the folder of another checkout
\`\`\`

Both commands install better-auth into \`bench/node_modules\`. They use wrk if it is installed, and autocannon otherwise.
All servers listen on 127.0.0.1 only. \`BENCH_ROUNDS\` sets the number of rounds. With fewer than five rounds, the benchmark
also measures memory and replicas less often. \`BENCH_BEFORE\` works with both commands. Close other programs first.
`;

function replicaSection({ counts, cluster }: SingleFigures): string {
  const { cacheOff, healthy, storm, replicas, database } = cluster;
  return `## Replicas

Three replicas on one PostgreSQL, everything on this machine:

- Without the cache, ${whole(cacheOff.after)} requests to other replicas began after the answer to one of ${whole(counts.revocations)}
  revocations. ${refusedOf(cacheOff.passed)}
- With the cache, Keyhearth accepted ${whole(healthy.passed)} of ${whole(healthy.after)} requests after ${whole(counts.revocationsCached)} revocations. The
  last accepted request began ${healthy.latestMs.toFixed(1)} ms after the answer to its revocation.
- For ${counts.stormSeconds} seconds, the benchmark ended all connections to PostgreSQL every 20 ms, ${whole(storm.terminations)} connections in all. The answers in that time were
  ${statusesOf(storm)}. The slowest took ${whole(storm.slowestMs)} ms. Afterwards there were ${storm.connectionsLeft} connections.
- Keyhearth acknowledged ${whole(replicas.acknowledged)} new keys while the benchmark killed replicas, and ${whole(database.acknowledged)} while it killed PostgreSQL.`;
}

const refusedOf = (passed: number) =>
  passed === 0
    ? 'Keyhearth refused all of them.'
    : `Keyhearth accepted ${whole(passed)} of them. It must accept none.`;

const processesOf = (count: number) =>
  count === 1 ? 'each of one process' : `each the median of ${count} processes`;

/** Why several workers cannot be so many times as fast as one, when the load generator needs cores too. */
function roomFor({ results, cores }: Report): string {
  if (!hasRoomForWorkers(cores)) return needed(cores);
  const [one, several] = [medianBusyCores(results, 'verify64'), medianBusyCores(results, 'several')];
  return `One worker and its load generator kept ${one.toFixed(2)} of
${cores} cores busy. So there was room for at most ${(cores / one).toFixed(2)} times as much. ${workersOn(cores)} workers and their load generator kept ${several.toFixed(2)} cores busy.`;
}

const needed = (cores: number) =>
  `A comparison of several workers with one worker needs ${coresNeeded(cores)} cores: one
for each of ${workersOn(cores)} workers, and one for the load generator. This machine has ${cores} cores, so we did not measure this.`;

const pressureOf = ({ cores }: Report) =>
  hasRoomForWorkers(cores)
    ? `The scenarios from "verify, 1 worker" to "${workersOn(cores)} processes" have two threads of load over 64 connections. All others have one thread over 32.`
    : 'One thread sends the load over 32 connections.';

const statusesOf = ({ statuses }: Storm) =>
  [...statuses]
    .toSorted(([a], [b]) => a - b)
    .map(([status, count]) => `${whole(count)} × ${status}`)
    .join(', ');

function footprintTable({ footprints, results, cores }: Report): string {
  if (!hasRoomForWorkers(cores))
    return `This comparison needs ${coresNeeded(cores)} cores, so we did not measure it on this machine.`;
  const rows = footprints.map(({ id, title, residentMb, proportionalMb }) => [
    title,
    whole(medianPerSecond(results, id)),
    `${whole(residentMb)} MB`,
    proportionalMb === undefined ? 'unknown' : `${whole(proportionalMb)} MB`,
  ]);
  return table(['', 'requests/s', 'memory (RSS)', 'memory, shared pages once (PSS)'], rows);
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

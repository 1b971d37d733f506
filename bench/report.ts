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

/** For the terminal: the first group alone, and how far apart the ratios of its passes are. */
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

Written by \`npm run bench\`; do not edit. Everything ran on one machine, in one run, load generator included, so only the
relations between the figures mean something elsewhere.

${table(['', ''], report.machine)}

## Targets

${table(TARGET_HEAD, report.targets.map(targetRow))}

A ratio is the median of the ratios of each pass. ${roomFor(report)}
Memory at rest was ${whole(single.memoryOneMb)} MB with one key and ${whole(single.memoryMillionMb)} MB with a million, ${processesOf(single.counts.memoryRuns)}.

## Figures

![Requests per second of every scenario](benchmarks.svg)

${table(['scenario', 'requests/s', 'p99', ''], rawRows(report))}

Medians of all passes: a round has four, in which the scenarios that are compared take turns of two seconds each, there and back, of which the second
one counts, since what else the machine has to do changes all the time. Each round starts its servers anew, since one process is some tenth faster or slower
than the next for as long as it lives; each has three seconds to warm up. Every request of every scenario carries a key and goes through the same script of the load generator.
${pressureOf(report)}
Each status is checked; a scenario that answers anything else ends the run. Keyhearth logs to a file at its default level, at which a
good key that is verified leaves no line.

better-auth runs in production mode, without rate limiting and logging, with deferred updates and \`synchronous=NORMAL\`; it writes
the time of each use at once, where Keyhearth collects them for five seconds.

${replicaSection(single)}

## Threads or processes

The same small handler (a digest of a header, and JSON) in worker threads that share a port, and in processes of \`node:cluster\`:

${footprintTable(report)}

Keyhearth serves from threads. They share the memory in which the lockout counts, so that an address has five attempts in all and not five for each
worker; they write one log; one signal stops them; and a request that the kernel gives to a thread passes through no other. What
processes would give instead, that one may crash alone, counts for less here: they hold the same pepper, and a thread that fails is replaced too.

${REPEAT}`;
}

const REPEAT = `## Repeat it

<!-- not run: takes twenty minutes -->
\`\`\`
npm run bench                           # everything, and writes this file and its plot
npm run bench:verify                    # the first group alone, in less than four minutes; writes no file
BENCH_BEFORE=main npm run bench:verify  # the same, beside another commit or the path of another checkout
\`\`\`

Both install the peer into \`bench/node_modules\`, use wrk where that is on the PATH and autocannon otherwise, and listen on the loopback
alone. \`BENCH_ROUNDS\` sets the number of rounds; with fewer than five, the memory and the replicas are measured less often too.
\`BENCH_BEFORE\` works with both. Close other programs first.
`;

function replicaSection({ counts, cluster }: SingleFigures): string {
  const { cacheOff, healthy, storm, replicas, database } = cluster;
  return `## Replicas

Three replicas on one PostgreSQL, everything on this machine. Requests that began after one of ${whole(counts.revocations)} revocations was answered: ${whole(cacheOff.after)}.
Every one of them must be refused. With the cache, after ${whole(counts.revocationsCached)} revocations, ${whole(healthy.passed)} of ${whole(healthy.after)} passed, the latest ${healthy.latestMs.toFixed(1)} ms after the answer.
While all connections were terminated every 20 ms for ${counts.stormSeconds} seconds (${whole(storm.terminations)} of them), the answers were ${statusesOf(storm)}; the slowest took
${whole(storm.slowestMs)} ms, and ${storm.connectionsLeft} connections were there afterwards. While replicas were killed, ${whole(replicas.acknowledged)} new keys were acknowledged; while PostgreSQL was,
${whole(database.acknowledged)}.`;
}

const processesOf = (count: number) =>
  count === 1 ? 'each of one process' : `each the median of ${count} processes`;

/** Why several workers on the machine of their load generator cannot be as many times as fast as they are many. */
function roomFor({ results, cores }: Report): string {
  if (!hasRoomForWorkers(cores)) return needed(cores);
  const [one, several] = [medianBusyCores(results, 'verify64'), medianBusyCores(results, 'several')];
  return `One worker and the load generator that drives it kept ${one.toFixed(2)} of
${cores} cores busy, so there was room for at most ${(cores / one).toFixed(2)} times as much; ${workersOn(cores)} workers and their load kept ${several.toFixed(2)} busy.`;
}

const needed = (cores: number) =>
  `What compares several workers with one needs ${coresNeeded(cores)} cores: one for each of
${workersOn(cores)} workers, and one for the load generator. This machine has ${cores}, so it was not measured.`;

const pressureOf = ({ cores }: Report) =>
  hasRoomForWorkers(cores)
    ? `The scenarios from "verify, 1 worker" to "${workersOn(cores)} processes" are driven by two threads over 64 connections, all others by one thread over 32.`
    : 'One thread drives each over 32 connections.';

const statusesOf = ({ statuses }: Storm) =>
  [...statuses]
    .toSorted(([a], [b]) => a - b)
    .map(([status, count]) => `${whole(count)} × ${status}`)
    .join(', ');

function footprintTable({ footprints, results, cores }: Report): string {
  if (!hasRoomForWorkers(cores)) return `Not measured: this comparison needs ${coresNeeded(cores)} cores.`;
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

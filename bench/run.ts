import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureCluster } from './cluster/figures.ts';
import { prepareData, startFleet, stopFleet } from './fleet.ts';
import { findGenerator } from './load.ts';
import { describeMachine } from './machine.ts';
import { plot } from './plot.ts';
import { makeWorkDirectory, proportionalMbOfAll, residentMbOfAll } from './processes.ts';
import { type Footprint, renderMarkdown, renderText } from './report.ts';
import { measureRound, medianPerSecond, type Pass, type Results } from './rounds.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { memoryAfterTraffic, p99UnderLock, startTime } from './single-figures.ts';
import { type SingleFigures, targets } from './targets.ts';

const DOCS = new URL('../docs/', import.meta.url).pathname;
const MOST_ROUNDS = 100;

const directory = makeWorkDirectory('keyhearth-bench-');

function progress(line: string): void {
  const isTerminal = process.stderr.isTTY;
  process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
}

function roundsOf(text = '5'): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= MOST_ROUNDS) return rounds;
  throw new Error(`BENCH_ROUNDS must be a whole number from 1 to ${MOST_ROUNDS}.`);
}

async function run(): Promise<void> {
  const rounds = roundsOf(process.env.BENCH_ROUNDS);
  const generator = await findGenerator();
  process.stdout.write(`Load generator: ${generator.description}\n`);
  progress('making a database with 1,000,000 keys');
  const { data, keys } = await prepareData(directory);

  progress('starting with 1,000,000 keys');
  const startMs = await startTime(data.million, directory);
  progress('memory with one key');
  const memoryOneMb = await memoryAfterTraffic(data.one, keys.one, directory, generator);
  progress('memory with 1,000,000 keys');
  const memoryMillionMb = await memoryAfterTraffic(
    data.million,
    keys.thousandOfMillion,
    directory,
    generator,
  );
  progress('while another process holds the write lock');
  const p99UnderLockMs = await p99UnderLock(data.million, keys.thousandOfMillion, directory, generator);
  const cluster = await measureCluster(progress);
  const single: SingleFigures = { startMs, memoryOneMb, memoryMillionMb, p99UnderLockMs, cluster };

  // For as long as it lives, one process is some tenth faster or slower than the next: each round has new ones.
  const results: Pass[] = [];
  let all: Scenario[] = [];
  let footprints: Footprint[] = [];
  for (let round = 1; round <= rounds; round++) {
    const prefix = `round ${round}/${rounds}  `;
    progress(`${prefix}starting the servers`);
    const servers = await startFleet(directory, data, keys);
    const groups = scenarios(servers, keys, data.postgresUrl);
    all = groups.flat();
    results.push(...(await measureRound(groups, generator, (line) => progress(prefix + line))));
    footprints = footprintsOf(all);
    await stopFleet(servers);
  }
  progress('');
  await data.close();
  const report = {
    machine: describeMachine(generator.description, rounds),
    targets: targets(results, single),
    scenarios: all,
    results,
    single,
    footprints,
  };
  process.stdout.write(`\n${renderText(report)}`);
  writeFileSync(join(DOCS, 'benchmarks.md'), renderMarkdown(report), { mode: 0o644 });
  writeFileSync(join(DOCS, 'benchmarks.svg'), draw(all, results), { mode: 0o644 });
}

const footprintsOf = (all: readonly Scenario[]): Footprint[] =>
  all
    .filter(({ id }) => id === 'threads' || id.startsWith('cluster'))
    .map(({ id, title, server: { pid } }) => ({
      id,
      title,
      residentMb: residentMbOfAll(pid),
      proportionalMb: proportionalMbOfAll(pid),
    }));

const draw = (all: readonly Scenario[], results: Results) =>
  plot(
    'Requests per second (median)',
    all.map(({ id, title, path }) => ({
      title,
      value: medianPerSecond(results, id),
      isOurs: path.startsWith('/auth/'),
    })),
  );

try {
  await run();
  process.exit(0);
} catch (error) {
  process.stderr.write(`\nbench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

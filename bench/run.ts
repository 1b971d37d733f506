import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { checkoutOf } from './before.ts';
import { measureCluster } from './cluster/figures.ts';
import { progress, roundsOf, runCommand } from './command.ts';
import { type Counts, countsFor } from './counts.ts';
import { type Data, prepareData } from './data.ts';
import { startFleet, startWorkers, stopAll } from './fleet.ts';
import { measureGateway } from './gateway.ts';
import { measureReload } from './gateway-reload.ts';
import { countLines } from './lines.ts';
import { measureListing } from './listing.ts';
import { findGenerator, type Generator } from './load.ts';
import { describeMachine } from './machine.ts';
import { plot } from './plot.ts';
import { makeWorkDirectory, proportionalMbOfAll, residentMbOfAll } from './processes.ts';
import { type Footprint, renderMarkdown, renderText } from './report.ts';
import { type Fleet, measureRounds, medianPerSecond, type Results } from './rounds.ts';
import { type KeyFiles, type Scenario, scenarios, workerScenarios } from './scenarios.ts';
import { creationRatio, memoryAfterTraffic, p99UnderLock, startTime } from './single-figures.ts';
import { type SingleFigures, targets } from './targets.ts';
import { hasRoomForWorkers, workersOn } from './workers.ts';

/** All figures, into docs/benchmarks.md. */

const DOCS = join(import.meta.dirname, '../docs');
const EFFORT = { passes: 4, warmUpSeconds: 3 };

const directory = makeWorkDirectory('keyhearth-bench-');
const cores = availableParallelism();

async function run(): Promise<void> {
  const rounds = roundsOf(process.env.BENCH_ROUNDS);
  const checkout = checkoutOf(process.env.BENCH_BEFORE, directory);
  const generator = await findGenerator();
  process.stdout.write(`Load generator: ${generator.description}\n`);
  progress('making a database with 1,000,000 keys');
  const { data, keys } = await prepareData(directory, checkout);
  const single = await measureSingle(data, keys, countsFor(rounds), generator);

  let footprints: Footprint[] = [];
  async function start(): Promise<Fleet> {
    const { groups, stop } = await startAll(data, keys);
    return {
      groups,
      stop() {
        footprints = footprintsOf(groups.flat());
        return stop();
      },
    };
  }
  const measured = await measureRounds({ rounds, ...EFFORT, start }, generator, progress);
  await data.close();
  const report = {
    ...measured,
    machine: describeMachine(generator.description, rounds, checkout?.name),
    cores,
    targets: targets(measured.results, single, cores),
    single,
    footprints,
  };
  process.stdout.write(`\n${renderText(report)}`);
  writeFileSync(join(DOCS, 'benchmarks.md'), renderMarkdown(report), { mode: 0o644 });
  const drawing = draw(measured.scenarios, measured.results);
  writeFileSync(join(DOCS, 'benchmarks.svg'), drawing, { mode: 0o644 });
}

async function measureSingle(
  data: Data,
  keys: KeyFiles,
  counts: Counts,
  generator: Generator,
): Promise<SingleFigures> {
  const ofMillion = [data.million, keys.thousandOfMillion, directory, generator] as const;
  progress('starting with 1,000,000 keys');
  const startMs = await startTime(data.million, directory);
  progress('creating keys');
  const creation = await creationRatio(data.one, keys.one, directory);
  progress('memory with one key');
  const memoryOneMb = await memoryAfterTraffic(data.one, keys.one, directory, generator, counts.memoryRuns);
  progress('memory with 1,000,000 keys');
  const memoryMillionMb = await memoryAfterTraffic(...ofMillion, counts.memoryRuns);
  progress('while another process holds the write lock');
  const p99UnderLockMs = await p99UnderLock(...ofMillion);
  const listing = await measureListing(directory, progress);
  const cluster = await measureCluster(counts, progress);
  const gateway = await measureGateway(directory, counts.gatewayPasses);
  progress('reloading the file of the gateway');
  const reload = await measureReload(directory);
  return {
    counts,
    startMs,
    creation,
    memoryOneMb,
    memoryMillionMb,
    p99UnderLockMs,
    listing,
    cluster,
    gateway,
    reload,
    lines: countLines(),
  };
}

async function startAll(data: Data, keys: KeyFiles): Promise<Fleet> {
  const servers = await startFleet(directory, data, keys);
  const groups = scenarios(servers, keys, data.postgresUrl);
  if (!hasRoomForWorkers(cores)) return { groups, stop: () => stopAll(servers) };
  const several = await startWorkers(directory, data, cores);
  return {
    groups: [...groups, workerScenarios(servers.one, several, keys, workersOn(cores))],
    stop: () => stopAll({ ...servers, ...several }),
  };
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
      isOurs: /^\/(?:auth|api)\//.test(path),
    })),
  );

await runCommand('bench', run);

import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buildIfStale } from '../dashboard/build.ts';
import { progress, roundsOf, runCommand } from './command.ts';
import { pageFigures } from './dashboard-pages.ts';
import { makeWorkDirectory, startKeyhearth } from './processes.ts';
import { median } from './statistics.ts';

/** What the dashboard costs, and how fast it is. */

const ROOT = join(import.meta.dirname, '..');
const SERVICE = ['src', 'migrations', 'openapi', 'package.json'];
const DASHBOARD = ['dashboard', 'deploy', 'package-lock.json', 'tsconfig.json'];
const DEFAULT_ROUNDS = '15';

type Figure = Readonly<{ name: string; value: number; most: number; detail: string }>;

/** The ways to start that are compared. */
const STARTS = {
  with: { files: [...SERVICE, ...DASHBOARD], env: {} },
  without: { files: SERVICE, env: {} },
  uncompiled: { files: SERVICE, env: { NODE_DISABLE_COMPILE_CACHE: '1' } },
} as const;

type Start = keyof typeof STARTS;

/** A checkout with its own data, and the packages of this one. */
function checkout(name: Start, directory: string) {
  const folder = join(directory, name);
  mkdirSync(folder);
  for (const file of STARTS[name].files)
    cpSync(join(ROOT, file), join(folder, file), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const dataDir = join(folder, 'data');
  return async () => {
    const script = join(folder, 'src/start.js');
    const server = await startKeyhearth(name, dataDir, directory, STARTS[name].env, script);
    await server.stop();
    return server.startMs;
  };
}

/** Starts the service in turn with a dashboard that is built, and without one. The first start of each fills its caches. */
export async function measureStarts(rounds: number, directory: string): Promise<Record<Start, number[]>> {
  const times: Record<Start, number[]> = { with: [], without: [], uncompiled: [] };
  const names = Object.keys(times) as Start[];
  const starts = names.map((name) => ({ name, start: checkout(name, directory) }));
  for (const { start } of starts) await start();
  for (let round = 1; round <= rounds; round++) {
    progress(`start ${round} of ${rounds}`);
    for (const { name, start } of round % 2 === 0 ? starts : starts.toReversed())
      times[name].push(await start());
  }
  return times;
}

async function startFigures(rounds: number, directory: string): Promise<Figure[]> {
  const times = await measureStarts(rounds, directory);
  const inWords = (name: Start) => `${median(times[name]).toFixed(0)} ms ${name}`;
  return [
    {
      name: 'start to first 200, with ÷ without the dashboard',
      value: median(times.with) / median(times.without),
      most: 1.05,
      detail: `${inWords('with')}, ${inWords('without')}`,
    },
    {
      name: 'start to first 200, with ÷ without compiled code',
      value: median(times.without) / median(times.uncompiled),
      most: 1,
      detail: `${inWords('without')}, ${inWords('uncompiled')}`,
    },
  ];
}

const KEYS = 100_000;
const VISITS = 5;

async function pagesFigures(directory: string): Promise<Figure[]> {
  progress(`the list of ${KEYS} keys`);
  const { paintMs, rowMs, bytes } = await pageFigures(directory, KEYS, VISITS);
  return [
    {
      name: `first contentful paint of the list of ${KEYS} keys, with an empty cache, in seconds`,
      value: paintMs / 1000,
      most: 1,
      detail: `the first key can be read after ${(rowMs / 1000).toFixed(2)} s`,
    },
    {
      name: 'first load, compressed, in KB',
      value: bytes / 1000,
      most: 60,
      detail: 'the page, its script and its style',
    },
  ];
}

async function run(): Promise<void> {
  const rounds = roundsOf(process.env.BENCH_ROUNDS ?? DEFAULT_ROUNDS);
  const directory = makeWorkDirectory('keyhearth-dashboard-');
  const problem = await buildIfStale();
  if (problem !== undefined) throw new Error(problem);
  const figures = [...(await pagesFigures(directory)), ...(await startFigures(rounds, directory))];
  progress('');
  for (const { name, value, most, detail } of figures) {
    const verdict = value <= most ? `at most ${most}` : `MORE THAN ${most}`;
    process.stdout.write(`${name}: ${value.toFixed(3)} (${verdict}; ${detail})\n`);
  }
  if (figures.some(({ value, most }) => value > most)) throw new Error('a figure is over its limit');
}

if (import.meta.main) await runCommand('bench:dashboard', run);

import { readFileSync } from 'node:fs';
import type { Figures, Generator, Load, Speed } from './load.ts';
import { withBusyCores } from './machine.ts';
import { settle } from './processes.ts';
import type { Scenario } from './scenarios.ts';
import { median } from './statistics.ts';

/** As little as wrk can do: what other programs take of the machine changes from second to second. */
const SECONDS = 1;

type Measured = Speed & { busyCores: number };

/** What one pass has measured, by scenario. */
export type Pass = ReadonlyMap<string, Measured>;

export type Results = readonly Pass[];

/** The servers of one round, in groups of scenarios that are compared with each other. */
export type Fleet = { groups: readonly (readonly Scenario[])[]; stop(): Promise<void> };

export type Plan = {
  rounds: number;
  /** How often each scenario of a group is measured in a round, in turn with the others. */
  passes: number;
  /** For the compiler to have seen what it has to compile, on a machine that has other things to do. */
  warmUpSeconds: number;
  start(): Promise<Fleet>;
};

/** For as long as it lives, one process is some tenth faster or slower than the next: each round has new ones. */
export async function measureRounds(
  { rounds, start, ...effort }: Plan,
  generator: Generator,
  progress: (line: string) => void,
): Promise<{ results: Results; scenarios: readonly Scenario[] }> {
  const results: Pass[] = [];
  let scenarios: Scenario[] = [];
  for (let round = 1; round <= rounds; round++) {
    const tell = (line: string) => progress(`round ${round}/${rounds}  ${line}`);
    tell('starting the servers');
    const { groups, stop } = await start();
    scenarios = groups.flat();
    results.push(...(await measureRound(groups, effort, generator, tell)));
    await stop();
  }
  progress('');
  return { results, scenarios };
}

/**
 * Every scenario several times. Those of one group take turns, there and back, so that whatever else the machine has to
 * do falls on all of them.
 */
async function measureRound(
  groups: Fleet['groups'],
  effort: Pick<Plan, 'passes' | 'warmUpSeconds'>,
  generator: Generator,
  progress: (line: string) => void,
): Promise<Pass[]> {
  const passes = Array.from({ length: effort.passes }, () => new Map<string, Measured>());
  for (const group of groups) {
    for (const scenario of group) await warmUp(scenario, effort.warmUpSeconds, generator);
    for (const [number, pass] of passes.entries()) {
      for (const scenario of number % 2 === 0 ? group : group.toReversed()) {
        const measured = await measure(scenario, generator);
        progress(`${scenario.title}: ${Math.round(measured.perSecond)}/s`);
        pass.set(scenario.id, measured);
      }
    }
    for (const scenario of group) await finish(scenario);
  }
  return passes;
}

/** The server has just been started. The status of every answer is counted now. */
async function warmUp(scenario: Scenario, seconds: number, generator: Generator): Promise<void> {
  if (scenario.measure) return;
  await probe(scenario);
  const figures = await generator.drive({ ...loadOf(scenario, true), seconds });
  assertExpected(scenario.title, scenario.expected, figures, true);
}

/** The first second is not measured: what the server had in its memories has grown old while it was not its turn. */
async function measure(scenario: Scenario, generator: Generator): Promise<Measured> {
  if (scenario.measure) return withBusyCores(scenario.measure);
  await generator.drive(loadOf(scenario));
  const figures = await withBusyCores(() => generator.drive(loadOf(scenario)));
  assertExpected(scenario.title, scenario.expected, figures, false);
  return figures;
}

async function finish(scenario: Scenario): Promise<void> {
  if (scenario.measure) return;
  await probe(scenario);
  if (scenario.settles) await settle(scenario.server);
}

const loadOf = ({ server, path, keysFile, pressure }: Scenario, countStatuses = false): Load => ({
  url: `${server.origin}${path}`,
  keysFile,
  ...pressure,
  seconds: SECONDS,
  countStatuses,
});

/** @throws when one answer was not what the scenario is about: its speed would be that of something else */
export function assertExpected(
  title: string,
  expected: number,
  figures: Figures,
  countStatuses: boolean,
): void {
  const { requests, refused, failed, statuses } = figures;
  const wrong = expected < 400 ? refused : requests - refused;
  const others = countStatuses ? [...statuses.keys()].filter((status) => status !== expected) : [];
  if (requests === 0 || wrong !== 0 || failed !== 0 || others.length > 0) {
    throw new Error(
      `"${title}" must answer ${expected} every time; of ${requests} answers ${wrong} were of another class, ` +
        `${failed} connections failed, and these statuses were seen besides: ${others.join(', ') || 'none'}.`,
    );
  }
}

/** wrk tells only classes of statuses; what they are exactly is asked before and after. */
async function probe({ title, server, path, keysFile, expected }: Scenario): Promise<void> {
  const [key = ''] = keysFile ? readFileSync(keysFile, 'utf8').split('\n', 1) : ['0'.repeat(40)];
  const answer = await fetch(`${server.origin}${path}`, {
    headers: { 'x-api-key': key, connection: 'close' },
  });
  await answer.arrayBuffer();
  if (answer.status !== expected)
    throw new Error(`"${title}" must answer ${expected}, and answers ${answer.status}.`);
}

export const perSecond = (results: Results, id: string) => of(results, id, 'perSecond');

export const medianPerSecond = (results: Results, id: string) => median(perSecond(results, id));

/** Of the whole machine, load generator included. */
export const medianBusyCores = (results: Results, id: string) => median(of(results, id, 'busyCores'));

export const medianP99 = (results: Results, id: string) => median(of(results, id, 'p99Ms'));

function of(results: Results, id: string, figure: keyof Measured): number[] {
  return results.map((pass) => {
    const figures = pass.get(id);
    if (!figures) throw new Error(`there is no scenario "${id}"`);
    return figures[figure];
  });
}

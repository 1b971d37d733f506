import { readFileSync } from 'node:fs';
import type { Figures, Generator, Load, Speed } from './load.ts';
import { withBusyCores } from './machine.ts';
import { emptyLog, settle } from './processes.ts';
import type { Scenario } from './scenarios.ts';
import { median } from './statistics.ts';

const WARM_UP_SECONDS = 1;
const SECONDS = 2;

type Measured = Speed & { busyCores: number };

/** What one round has measured, by scenario. */
export type Round = ReadonlyMap<string, Measured>;

export type Results = readonly Round[];

/** Every scenario once, so that a busy minute of the machine falls on all of them. */
export async function measureRound(
  all: readonly Scenario[],
  generator: Generator,
  progress: (line: string) => void,
): Promise<Round> {
  const round = new Map<string, Measured>();
  for (const scenario of all) {
    const { measure } = scenario;
    const figures = await (measure ? withBusyCores(measure) : once(scenario, generator));
    progress(`${scenario.title}: ${Math.round(figures.perSecond)}/s`);
    round.set(scenario.id, figures);
  }
  return round;
}

/** The server has just been started: it warms up first, and the status of every answer is counted then. */
async function once(scenario: Scenario, generator: Generator): Promise<Measured> {
  const { server, expected, title } = scenario;
  await probe(scenario);
  const warmUp = await generator.drive(loadOf(scenario, WARM_UP_SECONDS, true));
  assertExpected(title, expected, warmUp, true);
  const figures = await withBusyCores(() => generator.drive(loadOf(scenario, SECONDS)));
  assertExpected(title, expected, figures, false);
  await probe(scenario);
  if (scenario.settles) await settle(server);
  emptyLog(server);
  return figures;
}

const loadOf = (
  { server, path, keysFile, pressure }: Scenario,
  seconds: number,
  countStatuses = false,
): Load => ({ url: `${server.origin}${path}`, keysFile, ...pressure, seconds, countStatuses });

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
  return results.map((round) => {
    const figures = round.get(id);
    if (!figures) throw new Error(`there is no scenario "${id}"`);
    return figures[figure];
  });
}

import { readFileSync } from 'node:fs';
import type { Figures, Generator, Load } from './load.ts';
import { emptyLog, settle } from './processes.ts';
import type { Scenario } from './scenarios.ts';
import { median } from './statistics.ts';

const SECONDS = 2;

/** What each round after the first has measured. */
export type Measured = { perSecond: number[]; p99Ms: number[] };

export type Results = ReadonlyMap<string, Measured>;

/**
 * Every scenario once a round, so that a busy minute of the machine falls on all of them. The first round warms up: its
 * figures are dropped, and the status of every answer is counted.
 */
export async function measure(
  all: readonly Scenario[],
  generator: Generator,
  rounds: number,
  progress: (line: string) => void,
): Promise<Results> {
  const results = new Map<string, Measured>(all.map(({ id }) => [id, { perSecond: [], p99Ms: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const scenario of all) {
      const figures = await once(scenario, generator, round === 0);
      progress(`round ${round + 1}/${rounds}  ${scenario.title}: ${Math.round(figures.perSecond)}/s`);
      if (round === 0) continue;
      results.get(scenario.id)?.perSecond.push(figures.perSecond);
      results.get(scenario.id)?.p99Ms.push(figures.p99Ms);
    }
  }
  return results;
}

async function once(scenario: Scenario, generator: Generator, countStatuses: boolean): Promise<Figures> {
  const { server, expected } = scenario;
  await probe(scenario);
  const figures = await generator.drive(loadOf(scenario, SECONDS, countStatuses));
  assertExpected(scenario.title, expected, figures, countStatuses);
  await probe(scenario);
  if (scenario.settles) await settle(server);
  emptyLog(server);
  return figures;
}

export const loadOf = (
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

export const perSecond = (results: Results, id: string) => of(results, id).perSecond;

export const medianPerSecond = (results: Results, id: string) => median(perSecond(results, id));

export const medianP99 = (results: Results, id: string) => median(of(results, id).p99Ms);

function of(results: Results, id: string): Measured {
  const measured = results.get(id);
  if (!measured) throw new Error(`there is no scenario "${id}"`);
  return measured;
}

import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What the figures depend on, as rows of a table. */
export const describeMachine = (
  generator: string,
  rounds: number,
  before: string | undefined,
): [string, string][] => [
  ['CPU', cpus()[0]?.model.trim() || 'unknown'],
  ['cores', String(availableParallelism())],
  ['memory', `${Math.round(totalmem() / 1024 ** 3)} GB`],
  ['kernel', `${type()} ${release()}`],
  ['Node', process.version],
  ['load generator', generator],
  ['rounds', String(rounds)],
  ...(before === undefined ? [] : [['before', before] as [string, string]]),
  ['date', new Date().toISOString().slice(0, 10)],
];

const idleMs = () => cpus().reduce((sum, { times }) => sum + times.idle, 0);

/** Does the work, and tells how many cores of the machine were not idle meanwhile, whoever had them. */
export async function withBusyCores<T extends object>(
  work: () => Promise<T>,
): Promise<T & { busyCores: number }> {
  const [idleBefore, start] = [idleMs(), performance.now()];
  const result = await work();
  const idleCores = (idleMs() - idleBefore) / (performance.now() - start);
  return { ...result, busyCores: cpus().length - idleCores };
}

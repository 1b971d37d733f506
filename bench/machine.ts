import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What the figures depend on, as rows of a table. */
export const describeMachine = (generator: string, rounds: number): [string, string][] => [
  ['CPU', cpus()[0]?.model.trim() || 'unknown'],
  ['cores', String(availableParallelism())],
  ['memory', `${Math.round(totalmem() / 1024 ** 3)} GB`],
  ['kernel', `${type()} ${release()}`],
  ['Node', process.version],
  ['load generator', generator],
  ['rounds', String(rounds)],
  ['date', new Date().toISOString().slice(0, 10)],
];

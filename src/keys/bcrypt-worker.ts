import { compareSync, hashSync } from 'bcryptjs';

export type BcryptTask =
  | { do: 'hash'; input: string; cost: number }
  | { do: 'find'; input: string; hashes: string[] };

/** Runs in a worker thread: a quarter of a second of arithmetic that the event loop must not feel. */
export default function run(task: BcryptTask): string | number {
  return task.do === 'hash'
    ? hashSync(task.input, task.cost)
    : task.hashes.findIndex((hash) => compareSync(task.input, hash));
}

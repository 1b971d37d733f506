import { compareSync, hashSync } from 'bcryptjs';

export type BcryptTask =
  | { do: 'hash'; input: string; cost: number }
  | { do: 'find'; input: string; hashes: string[] };

/** Runs in a worker thread, because a quarter of a second of arithmetic would block the event loop. */
export function run(task: BcryptTask): string | number {
  return task.do === 'hash'
    ? hashSync(task.input, task.cost)
    : task.hashes.findIndex((hash) => compareSync(task.input, hash));
}

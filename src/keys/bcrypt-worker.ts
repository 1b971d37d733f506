import { compareSync, hashSync } from 'bcryptjs';

export type BcryptTask =
  | { do: 'hash'; input: string; cost: number }
  | { do: 'compare'; input: string; hash: string };

/** Runs in a worker thread: a quarter of a second of arithmetic that the event loop must not feel. */
export default function run(task: BcryptTask): string | boolean {
  return task.do === 'hash' ? hashSync(task.input, task.cost) : compareSync(task.input, task.hash);
}

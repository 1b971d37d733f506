import { createFairQueue } from './fair-queue.ts';

/** Runs a task when it is the turn of its client. */
export type Turns = <Result>(client: string, task: () => Promise<Result>) => Promise<Result>;

type Waiting = { start: () => Promise<unknown>; refuse: () => void };

/**
 * Runs one task at a time. Clients have turns, so a client with one task does not wait for all tasks of another one.
 * @param max the number of tasks that wait
 * @param refusal the error of a task for which there is no place
 */
export function createTurns(max: number, refusal: () => Error): Turns {
  const waiting = createFairQueue<Waiting>(max);
  let isRunning = false;

  function startNext(): void {
    const next = isRunning ? undefined : waiting.shift();
    if (!next) return;
    isRunning = true;
    void next.start().finally(() => {
      isRunning = false;
      startNext();
    });
  }

  return (client, task) =>
    new Promise((resolve, reject) => {
      const start = () => task().then(resolve, reject);
      waiting.push(client, { start, refuse: () => reject(refusal()) })?.refuse();
      startNext();
    });
}

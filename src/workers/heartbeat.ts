import type { Worker } from 'node:worker_threads';

/** So often a worker says that its event loop turns. */
export const BEAT_MS = 1_000;
const MAX_MISSED = 10;

/**
 * Ends a worker that says nothing for ten seconds. Its event loop hangs, so it neither serves nor stops. Checks are
 * counted, not time: a process that was suspended for a minute must not lose its workers.
 */
export function endWhenSilent(worker: Worker, onSilent: () => void): void {
  let missed = 0;
  worker.on('message', () => {
    missed = 0;
  });
  const checks = setInterval(() => {
    missed++;
    if (missed !== MAX_MISSED) return;
    onSilent();
    void worker.terminate();
  }, BEAT_MS);
  worker.once('exit', () => clearInterval(checks));
}

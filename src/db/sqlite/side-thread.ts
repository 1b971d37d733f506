import { Piscina } from 'piscina';

const IDLE_MS = 30_000;

export type SideThread<Task, Result> = {
  run(task: Task): Promise<Result>;
  close(): Promise<void>;
};

/**
 * A thread with a connection of its own, which runs one task at a time. It starts with the first task, and ends when it is
 * idle. SQLite makes its caller wait, and on the event loop every request would wait too.
 * @param file exports `run`
 * @param path of the database
 * @param onError called when the thread cannot be started, or dies
 */
export function openSideThread<Task, Result>(
  file: URL,
  path: string,
  onError: (error: unknown) => void,
): SideThread<Task, Result> {
  const pool = new Piscina<Task, Result>({
    filename: file.href,
    // Node can abort the process when a thread ends while `require` loads a module with a default export.
    name: 'run',
    workerData: path,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });
  let running = new AbortController();
  pool.on('error', (error) => {
    onError(error);
    // Otherwise the tasks of a thread that cannot be started would wait without end.
    running.abort();
    running = new AbortController();
  });
  return {
    run: (task) => pool.run(task, { signal: running.signal }),
    close: () => pool.destroy(),
  };
}

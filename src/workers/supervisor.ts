import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { releaseSignIns } from '../accounts/sign-in-limits.ts';
import type { Config } from '../config.ts';
import type { Logger, LogSink } from '../lib/logger.ts';
import { StartupError } from '../lib/startup-error.ts';
import { releaseConcurrency } from '../limits/concurrency.ts';
import { releaseWindows } from '../limits/shared-windows.ts';
import { releaseLockout } from '../lockout/memory.ts';
import { releaseMetrics } from '../metrics/memory.ts';
import { type Service, sharedMemory } from '../serve.ts';
import { newTurns } from './closing-order.ts';
import { endWhenSilent } from './heartbeat.ts';
import type { Openings, ReloadMessage, StopMessage, WorkerData, WorkerMessage } from './messages.ts';
import { reservePorts } from './ports.ts';

/** The pause before a failed worker is started again. */
const MIN_LIFE_MS = 1_000;
const MAX_PAUSE_MS = 10_000;
/** The time that a worker gets after its last request, to write its use counts and close the database. */
const CLOSING_MS = 5_000;

const WORKER = new URL('./worker.ts', import.meta.url);

type Ready = { worker: Worker; openings: Openings };

/**
 * Serves from `config.workers` threads on one port and one database, and replaces one that ends by itself.
 * @param memory what the workers share
 * @throws StartupError when the first workers cannot start
 */
export async function startWorkers(
  config: Config,
  logger: Logger,
  sink: LogSink,
  memory = sharedMemory(config),
  file = WORKER,
): Promise<Service> {
  const { endpoints, release } = await reservePorts(config);
  const data: WorkerData = { config, endpoints, memory };
  const workers = new Set<Worker>();
  let isStopping = false;

  /** Resolves when the worker serves. */
  async function start(): Promise<Ready> {
    const worker = new Worker(file, { workerData: data });
    const { threadId } = worker;
    workers.add(worker);
    worker.once('exit', () => {
      workers.delete(worker);
      const { lockout, managementBans, pageLockout, pageBans } = data.memory;
      for (const each of [lockout, managementBans, pageLockout, pageBans]) releaseLockout(each, threadId);
      releaseSignIns(data.memory.signIns, threadId);
      releaseWindows(data.memory.limits, threadId);
      releaseConcurrency(data.memory.concurrency, threadId);
      releaseMetrics(data.memory.metrics, threadId);
    });
    worker.on('error', (err) => logger.error({ err }, 'a worker failed'));
    worker.on('message', (message: WorkerMessage) => {
      if (message.is === 'log') sink.write(message.lines);
    });
    return new Promise((resolve, reject) => {
      worker.on('message', (message: WorkerMessage) => {
        if (message.is === 'ready') {
          endWhenSilent(worker, () => logger.error('a worker hangs and is ended'));
          const { is: _, ...openings } = message;
          resolve({ worker, openings });
        }
        if (message.is === 'start_failed') reject(new StartupError(message.sentence));
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`a worker ended with ${code} before it served`)));
    });
  }

  /** Replaces one worker for as long as the service runs. */
  async function replaceWhenEnded({ worker }: Ready): Promise<void> {
    const startedAt = performance.now();
    const code = await exitOf(worker);
    if (isStopping) return;
    logger.error({ code }, 'a worker ended unexpectedly and is replaced');
    if (performance.now() - startedAt < MIN_LIFE_MS) await sleep(MIN_LIFE_MS);
    for (let pause = MIN_LIFE_MS; !isStopping; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      try {
        const next = await start();
        logger.info('the worker was replaced');
        return replaceWhenEnded(next);
      } catch (err) {
        logger.error({ err }, 'a worker could not be replaced yet');
        await sleep(pause);
      }
    }
  }

  async function stopWorker(worker: Worker, message: StopMessage): Promise<void> {
    const ended = exitOf(worker);
    worker.postMessage(message);
    const cutOff = setTimeout(
      () => void worker.terminate(),
      config.shutdownDelayMs + message.graceMs + CLOSING_MS,
    );
    await ended;
    clearTimeout(cutOff);
  }

  async function stop(graceMs: number): Promise<void> {
    isStopping = true;
    const message: StopMessage = {
      is: 'stop',
      graceMs,
      turns: { core: newTurns(workers.size), gateway: newTurns(workers.size) },
    };
    await Promise.all([...workers].map((worker) => stopWorker(worker, message)));
    release();
  }

  async function reload(): Promise<void> {
    const message: ReloadMessage = { is: 'reload' };
    for (const worker of workers) worker.postMessage(message);
  }

  try {
    // Only the first worker makes the files. The others find them.
    const first = await start();
    const others = await Promise.all(Array.from({ length: config.workers - 1 }, start));
    for (const ready of [first, ...others]) void replaceWhenEnded(ready);
    return { port: endpoints.core.port, ...first.openings, stop, reload };
  } catch (error) {
    isStopping = true;
    await Promise.all([...workers].map((worker) => worker.terminate()));
    release();
    throw error;
  }
}

/** `events.once` would reject when an error ends a worker. */
const exitOf = (worker: Worker) => new Promise<number>((resolve) => worker.once('exit', resolve));

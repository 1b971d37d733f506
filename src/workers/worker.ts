import { parentPort, workerData } from 'node:worker_threads';
import { StartupError } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import { serve } from '../serve.ts';
import type { FromWorker, ToWorker, WorkerOrders } from './messages.ts';

/** One of several threads that serve on one port. Its lines go to the main thread, which is the only one that writes. */

const { config, port, lockoutMemory } = workerData as WorkerOrders;

const tell = (message: FromWorker) => parentPort?.postMessage(message);

const { logger, flush } = createLogger(config.logLevel, {
  write: (lines) => tell({ is: 'log', lines }),
  flush: async () => undefined,
});

process.on('uncaughtException', (err) => {
  logger.fatal({ err }, 'a worker failed');
  void flush().then(() => process.exit(1));
});

async function start(): Promise<void> {
  const endpoint = { host: config.host, port, isShared: true };
  const service = await serve(config, logger, endpoint, lockoutMemory);
  parentPort?.on('message', async ({ graceMs }: ToWorker) => {
    await service.stop(graceMs);
    await flush();
    process.exit(0);
  });
  tell({ is: 'ready', bootstrapOpen: service.bootstrapOpen });
}

// Not awaited here: V8 may abort the whole process when a thread is terminated while its top level awaits.
start().catch((error) => {
  if (!(error instanceof StartupError)) throw error;
  tell({ is: 'unfit', sentence: error.message });
});

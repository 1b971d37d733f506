import { parentPort, workerData } from 'node:worker_threads';
import { createLogger, joinLines } from '../lib/logger.ts';
import { StartupError } from '../lib/startup-error.ts';
import { keepTickShape } from '../lib/tick-shape.ts';
import { serve } from '../serve.ts';
import { oneAfterTheOther } from './closing-order.ts';
import { BEAT_MS } from './heartbeat.ts';
import type { ReloadMessage, StopMessage, WorkerData, WorkerMessage } from './messages.ts';

/** One of several threads that serve on one port. It sends its log lines to the main thread, which writes them. */

keepTickShape();

const { config, endpoints, memory } = workerData as WorkerData;

const send = (message: WorkerMessage) => parentPort?.postMessage(message);

const turn = joinLines((lines) => send({ is: 'log', lines }));

const logger = createLogger(config.logLevel, turn);

process.on('uncaughtException', (err) => {
  logger.fatal({ err }, 'a worker failed');
  turn.flush();
  process.exit(1);
});

async function start(): Promise<void> {
  const service = await serve(config, logger, endpoints, memory);
  parentPort?.on('message', async (message: StopMessage | ReloadMessage) => {
    if (message.is === 'reload') return service.reload();
    const { graceMs, turns } = message;
    await service.stop(graceMs, {
      core: oneAfterTheOther(turns.core),
      gateway: oneAfterTheOther(turns.gateway),
    });
    turn.flush();
    process.exit(0);
  });
  const { address, bootstrapOpen, needsSetup, gatewayAddress } = service;
  send({ is: 'ready', address, bootstrapOpen, needsSetup, gatewayAddress });
  setInterval(() => send({ is: 'alive' }), BEAT_MS).unref();
}

// Not awaited: V8 may abort the whole process when a thread is terminated while its top level waits.
start().catch((error) => {
  if (!(error instanceof StartupError)) throw error;
  send({ is: 'start_failed', sentence: error.message });
});

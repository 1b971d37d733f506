import { setTimeout as sleep } from 'node:timers/promises';
import { compose, type SharedMemory, sharedMemory } from './compose.ts';
import type { Config } from './config.ts';
import type { ClosingOrder } from './http/server/close-port.ts';
import { listen } from './http/server/listen.ts';
import type { Endpoint } from './http/server/port.ts';
import { systemClock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';

export { type SharedMemory, sharedMemory };

/** A running service: this thread, or several together. */
export type Service = {
  port: number;
  /** Whether the first key can still be registered. */
  bootstrapOpen: boolean;
  /** Whether the first administrator can still be set up. */
  needsSetup: boolean;
  /**
   * Waits for the shutdown delay, so that load balancers notice. Then it closes the port, waits for the requests in flight
   * for `graceMs` at most, and writes what is in memory.
   */
  stop(graceMs: number, order?: ClosingOrder): Promise<void>;
};

/**
 * Serves from this thread.
 * @param endpoint where to listen: the address of the configuration, unless this is one of several workers
 * @param memory what several workers share
 * @throws StartupError
 */
export async function serve(
  config: Config,
  logger: Logger,
  endpoint: Endpoint = { ...config, isShared: false },
  memory = sharedMemory(config),
): Promise<Service> {
  const keyhearth = await compose(config, logger, systemClock, memory);
  try {
    const server = await listen(keyhearth, endpoint, logger);
    return {
      port: server.address.port,
      bootstrapOpen: keyhearth.bootstrapOpen,
      needsSetup: keyhearth.needsSetup,
      async stop(graceMs, order) {
        keyhearth.beginStop();
        server.closeAfterAnswers();
        await sleep(config.shutdownDelayMs);
        await server.stop(graceMs, order);
        await keyhearth.close();
      },
    };
  } catch (error) {
    // The first error is the reason.
    await keyhearth.close().catch(() => undefined);
    throw error;
  }
}

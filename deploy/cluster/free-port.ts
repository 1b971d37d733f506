import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, so that none takes it before the server does. */
const [FIRST, LAST] = [20_000, 32_000];

/**
 * A port of the loopback that was free a moment ago.
 * @param wanted this one and no other; any, unless it is given
 */
export async function freePort(wanted?: number): Promise<number> {
  const port = wanted ?? FIRST + Math.floor(Math.random() * (LAST - FIRST));
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch (error) {
    if (wanted === undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return freePort();
    throw error;
  }
  probe.close();
  await once(probe, 'close');
  return port;
}

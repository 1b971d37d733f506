import { readFileSync } from 'node:fs';
import type { Server } from './processes.ts';

/** The environment of a server whose garbage can be collected. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** Makes a server collect its garbage now, so that its memory does not depend on when it last did so by itself. */
export async function collectGarbage({ logFile }: Server): Promise<void> {
  const address = /^Debugger listening on (ws:\S+)$/m.exec(readFileSync(logFile, 'utf8'))?.[1];
  if (address === undefined) throw new Error('the server was not started with INSPECTED');
  const inspector = new WebSocket(address);
  await eventOf(inspector, 'open');
  inspector.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }));
  await eventOf(inspector, 'message');
  inspector.close();
  await eventOf(inspector, 'close');
}

/** @throws when there is an error before the event */
const eventOf = (inspector: WebSocket, name: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    inspector.addEventListener(name, resolve, { once: true });
    inspector.addEventListener('error', () => reject(new Error('the inspector does not answer')), {
      once: true,
    });
  });

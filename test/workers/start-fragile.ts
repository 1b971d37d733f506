import { BroadcastChannel } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { startWorkers } from '../../src/workers/supervisor.ts';
import { client } from '../support/http.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

const FRAGILE = new URL('./fragile-worker.ts', import.meta.url);

/** Workers that fail or hang when the channel says so. Stopped when the test is over. */
export async function startFragile(env: Record<string, string> = {}) {
  const written: string[] = [];
  const config = parseConfig({
    PORT: '0',
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_BCRYPT_COST: '10',
    KEYHEARTH_WORKERS: '2',
    ...env,
  });
  const sink = { write: (text: string) => void written.push(text), flush: async () => undefined };
  const service = await startWorkers(config, createLogger('info', sink), sink, undefined, FRAGILE);
  const channel = new BroadcastChannel('fragile-worker');
  onTestFinished(async () => {
    channel.close();
    await service.stop(0);
  });
  const send = client(`http://127.0.0.1:${service.port}`);
  const linesWith = (text: string) =>
    written
      .join('')
      .split('\n')
      .filter((line) => line.includes(text));
  return { config, service, send, channel, written, linesWith };
}

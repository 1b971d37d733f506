import { BroadcastChannel } from 'node:worker_threads';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { startWorkers } from '../../src/workers/supervisor.ts';
import { client } from '../support/http.ts';
import { FIRST_KEY, register, temporaryDirectory } from '../support/keyhearth.ts';

const FRAGILE = new URL('./fragile-worker.ts', import.meta.url);

async function start(env: Record<string, string> = {}) {
  const lines: string[] = [];
  const config = parseConfig({
    PORT: '0',
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_BCRYPT_COST: '10',
    KEYHEARTH_WORKERS: '3',
    ...env,
  });
  const write = (text: string) => void lines.push(...text.trimEnd().split('\n'));
  const service = await startWorkers(config, pino({}, { write }), { write, flush: async () => {} }, FRAGILE);
  const channel = new BroadcastChannel('fragile-worker');
  onTestFinished(async () => {
    channel.close();
    await service.stop(0);
  });
  const send = client(`http://127.0.0.1:${service.port}`);
  return { config, service, send, channel, lines };
}

/** A connection of its own goes to whichever worker the system picks. */
const alone = { Connection: 'close' };

test('workers that fail are replaced, each with a line in the log, and the count of failures outlives them', async () => {
  const { send, channel, lines } = await start();
  await register(send);
  const guess = () => send({ path: '/auth/verify', key: `${FIRST_KEY}-wrong`, headers: alone });
  for (let i = 0; i < 4; i++) await guess();
  channel.postMessage('fail');
  await expect
    .poll(() => lines.filter((line) => line.includes('took its place')).length, { timeout: 25_000 })
    .toBe(3);
  expect(lines.filter((line) => line.includes('ended by itself')).length).toBe(3);
  expect(lines.filter((line) => line.includes('made to fail')).length).toBe(3);
  expect((await guess()).json.detail).toBe('Invalid API key. 0 attempts remaining.');
  for (let i = 0; i < 20; i++) {
    const answer = await send({ path: '/auth/verify', key: FIRST_KEY, headers: alone });
    expect(answer.status).toBe(429);
  }
});

test('workers that cannot start stop the start with their sentence', async () => {
  const first = await start();
  await expect(start({ PORT: String(first.service.port) })).rejects.toThrow(/^Port \d+ on .* is in use/);
  const dataDir = temporaryDirectory();
  await expect(start({ KEYHEARTH_DATA_DIR: dataDir, DATABASE_URL: 'sqlite:/proc/none.db' })).rejects.toThrow(
    /^Cannot open the database \/proc\/none\.db/,
  );
});

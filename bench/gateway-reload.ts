import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../deploy/cluster/free-port.ts';
import { runCommand } from './command.ts';
import { makeWorkDirectory, startKeyhearth } from './processes.ts';
import { makeDataDirectory } from './seed.ts';

/** What clients see of a reload of the gateway's file with thousands of keys: `npm run bench:reload`. */

const KEYS = 10_000;
const PATIENCE_MS = 60_000;
const CLIENTS_EACH = 4;
const LASTING_KEY = 'a-key-that-stays-in-the-file-0123456789';

export type ReloadFigures = {
  /** From the change of the file to the line in the log. */
  seconds: number;
  answered: number;
  /** Requests that got no answer, or another one than 2xx. */
  failed: number;
};

const keyOf = (i: number) => `declared-key-${i}-0123456789-0123456789`;

/** Changes the file from one key to 10,000 and back, while clients send requests to both ports. */
export async function measureReload(directory: string): Promise<ReloadFigures> {
  const upstream = createServer((_request, response) => response.end('{"object": "chat.completion"}'));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const dataDir = join(directory, 'reload');
  mkdirSync(dataDir, { mode: 0o700 });
  const rawKey = await makeDataDirectory(dataDir, directory);
  const port = await freePort();
  const file = join(directory, 'config.yaml');
  const write = (keys: readonly string[]) =>
    writeFileSync(
      file,
      [
        ...['host: 127.0.0.1', `port: ${port}`, 'api-keys:', ...keys.map((key) => `  - ${key}`)],
        ...['openai-compatibility:', '  - name: bench'],
        `    base-url: http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`,
        ...['    api-key-entries:', '      - api-key: bench-upstream-key', ''],
      ].join('\n'),
    );
  write([LASTING_KEY]);
  const server = await startKeyhearth('reload', dataDir, directory, { KEYHEARTH_GATEWAY_CONFIG: file });
  const reloads = () => readFileSync(server.logFile, 'utf8').split('was reloaded').length - 1;

  const figures = { answered: 0, failed: 0 };
  let isOver = false;
  async function send(url: string, key: string, body?: string): Promise<void> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    while (!isOver) {
      const answer = await fetch(url, body === undefined ? { headers } : { method: 'POST', headers, body })
        .then(async (response) => response.ok && (await response.text()))
        .catch(() => false);
      if (answer === false) figures.failed++;
      else figures.answered++;
    }
  }
  const chat = '{"model": "any", "messages": []}';
  const clients = Array.from({ length: CLIENTS_EACH }, () => [
    send(`http://127.0.0.1:${port}/v1/chat/completions`, LASTING_KEY, chat),
    send(`${server.origin}/auth/verify`, rawKey),
    send(`${server.origin}/auth/keys`, rawKey, '{"scopes": []}'),
  ]).flat();

  const startedAt = performance.now();
  const many = Array.from({ length: KEYS }, (_, i) => keyOf(i));
  for (const [i, keys] of [[LASTING_KEY, ...many], [LASTING_KEY]].entries()) {
    write(keys);
    while (reloads() <= i) {
      if (performance.now() - startedAt > PATIENCE_MS) throw new Error('The file is not reloaded.');
      await sleep(50);
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  isOver = true;
  await Promise.all(clients);
  await server.stop();
  upstream.close();
  return { seconds, ...figures };
}

if (import.meta.main) {
  await runCommand('bench:reload', async () => {
    const { seconds, answered, failed } = await measureReload(makeWorkDirectory('keyhearth-reload-'));
    process.stdout.write(
      `Two reloads with ${KEYS} declared keys took ${seconds.toFixed(1)} s. In that time ${answered} requests passed, and ${failed} failed.\n`,
    );
    if (failed > 0) throw new Error('Requests failed.');
  });
}

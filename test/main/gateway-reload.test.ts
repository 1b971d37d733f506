import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { gatewayProcess } from '../support/gateway.ts';
import { startUpstream } from '../support/upstream.ts';

const KEY_A = 'team-a-key-abc123-with-32-characters';
const KEY_B = 'team-b-key-def456-with-32-characters';
const RELOADED = 'the file of the gateway was reloaded';

/** Each on a connection of its own, so that they reach each worker. */
const REQUESTS = 30;

const withKeys = (...keys: string[]) => `api-keys:\n${keys.map((key) => `  - ${key}\n`).join('')}`;

test('from the line of the log on, no worker knows a key that has left the file', async () => {
  const { ask, file, stdout } = await gatewayProcess(withKeys(KEY_A), { KEYHEARTH_WORKERS: '2' });
  const statuses = async (key: string | undefined) => {
    const found = new Set<number>();
    for (let i = 0; i < REQUESTS; i++) {
      const headers = { Connection: 'close', ...(key !== undefined && { Authorization: `Bearer ${key}` }) };
      found.add((await ask({ path: '/v1/models', headers })).status);
    }
    return [...found];
  };
  const replace = (text: string) => {
    writeFileSync(`${file}.new`, `port: 0\n${text}`);
    renameSync(`${file}.new`, file);
  };
  const reloads = () => stdout().split(RELOADED).length - 1;

  expect(await statuses(KEY_A)).toEqual([200]);
  replace(withKeys(KEY_B));
  await expect.poll(reloads).toBe(1);
  expect(await statuses(KEY_B)).toEqual([200]);
  expect((await ask({ path: '/v1/models', headers: { Authorization: `Bearer ${KEY_A}` } })).status).toBe(401);

  replace('api-keys: []\n');
  await expect.poll(reloads).toBe(2);
  expect(await statuses(undefined)).toEqual([200]);

  replace(withKeys(KEY_A));
  await expect.poll(reloads).toBe(3);
  expect(await statuses(undefined)).toEqual([401]);
  expect(reloads()).toBe(3);
  expect(stdout()).not.toContain(KEY_A);
});

test('a reload in the middle of 100 streams breaks none, also when their key leaves the file', async () => {
  const open = new Set<ServerResponse>();
  const upstream = await startUpstream((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: before\n\n');
    open.add(response);
    return true;
  });
  const credential = `openai-compatibility: [{name: a, base-url: "${upstream.origin}", api-key-entries: [{api-key: a}]}]\n`;
  const { gatewayOrigin, file, stdout } = await gatewayProcess(withKeys(KEY_A) + credential, {
    KEYHEARTH_WORKERS: '2',
  });
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  async function begin(): Promise<IncomingMessage> {
    const headers = { Authorization: `Bearer ${KEY_A}`, 'Content-Type': 'application/json' };
    const asked = request(`${gatewayOrigin}/v1/chat/completions`, { method: 'POST', agent, headers });
    asked.end('{"model": "a", "stream": true}');
    const [incoming]: IncomingMessage[] = await once(asked, 'response');
    expect(incoming?.statusCode).toBe(200);
    return incoming as IncomingMessage;
  }
  const streams = await Promise.all(Array.from({ length: 100 }, begin));

  // The key, the name of the upstream and its credential go, and a port that takes no connection comes.
  const other = credential.replace('name: a', 'name: b').replace(upstream.origin, 'http://127.0.0.1:9');
  writeFileSync(file, `port: 0\n${withKeys(KEY_B)}${other}`);
  await expect.poll(() => stdout().split(RELOADED).length - 1).toBe(1);

  for (const response of open) response.end('data: after\n\n');
  const texts = await Promise.all(
    streams.map(async (stream) => {
      let text = '';
      for await (const chunk of stream) text += chunk;
      return text;
    }),
  );
  expect(texts).toEqual(Array.from({ length: 100 }, () => 'data: before\n\ndata: after\n\n'));
});

import { renameSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayProcess } from '../support/gateway.ts';

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
  await expect.poll(reloads, { timeout: 10_000 }).toBe(1);
  expect(await statuses(KEY_B)).toEqual([200]);
  expect((await ask({ path: '/v1/models', headers: { Authorization: `Bearer ${KEY_A}` } })).status).toBe(401);

  replace('api-keys: []\n');
  await expect.poll(reloads, { timeout: 10_000 }).toBe(2);
  expect(await statuses(undefined)).toEqual([200]);

  replace(withKeys(KEY_A));
  await expect.poll(reloads, { timeout: 10_000 }).toBe(3);
  expect(await statuses(undefined)).toEqual([401]);
  expect(reloads()).toBe(3);
  expect(stdout()).not.toContain(KEY_A);
});

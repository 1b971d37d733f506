import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sendRaw } from '../support/http.ts';
import { FIRST_KEY, register, temporaryDirectory } from '../support/keyhearth.ts';
import { SEVERAL } from '../support/long.ts';
import { startFragile as start } from './start-fragile.ts';

/** A connection of its own goes to whichever worker the system picks. */
const alone = { Connection: 'close' };

test('workers that fail are replaced, each with a line in the log, and the count of failures outlives them', async () => {
  const { send, channel, linesWith } = await start({ KEYHEARTH_WORKERS: SEVERAL });
  const heard: unknown[] = [];
  channel.onmessage = ({ data }) => heard.push(data);
  await register(send);
  const guess = () => send({ path: '/auth/verify', key: `${FIRST_KEY}-wrong`, headers: alone });
  for (let i = 0; i < 4; i++) await guess();
  channel.postMessage('fail');
  await expect.poll(() => linesWith('the worker was replaced').length).toBe(Number(SEVERAL));
  expect(linesWith('ended unexpectedly').length).toBe(Number(SEVERAL));
  expect(linesWith('made to fail').length).toBe(Number(SEVERAL));
  expect(heard).toEqual([]);
  expect((await guess()).json.detail).toBe('Invalid API key. 0 attempts remaining.');
  for (let i = 0; i < 20; i++) {
    const answer = await send({ path: '/auth/verify', key: FIRST_KEY, headers: alone });
    expect(answer.status).toBe(429);
  }
});

test('the lines of workers arrive whole, those of one turn of a worker together', async () => {
  const { service, send, written, linesWith } = await start({ KEYHEARTH_LOG_LEVEL: 'debug' });
  await register(send);
  await expect.poll(() => linesWith('/auth/register-key').length).toBe(1);
  written.length = 0;
  const inOnePacket = 10;
  const request = `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${FIRST_KEY}\r\n`;
  const packet = `${`${request}\r\n`.repeat(inOnePacket - 1)}${request}Connection: close\r\n\r\n`;
  const packets = Array.from({ length: 30 }, () => sendRaw(`http://127.0.0.1:${service.port}`, packet));
  await Promise.all(packets);
  const requests = inOnePacket * packets.length;
  await expect.poll(() => linesWith('/auth/verify').length).toBe(requests);
  for (const text of written) {
    expect(text.endsWith('}\n')).toBe(true);
    for (const line of text.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ status: 200 });
  }
  expect(written.length).toBeLessThan(requests / 2);
});

test('workers that cannot start stop the start with their sentence', async () => {
  const first = await start();
  await expect(start({ PORT: String(first.service.port) })).rejects.toThrow(/^Port \d+ on .* is in use/);
  const dataDir = temporaryDirectory();
  await expect(start({ KEYHEARTH_DATA_DIR: dataDir, DATABASE_URL: 'sqlite:/proc/none.db' })).rejects.toThrow(
    /^Cannot open the database \/proc\/none\.db/,
  );
});

test('when the database file is lost, no worker answers, a new one opens no other file, and the log says so once', async () => {
  const { config, send, channel, linesWith } = await start();
  await register(send);
  const path = join(config.dataDir, 'keyhearth.db');
  const statuses = async () => {
    const answers = [];
    for (let i = 0; i < 20; i++)
      answers.push(await send({ path: '/auth/verify', key: FIRST_KEY, headers: alone }));
    return new Set(answers.map(({ status }) => status));
  };
  expect(await statuses()).toEqual(new Set([200]));
  renameSync(path, `${path}.away`);
  execFileSync('cp', [`${path}.away`, path]);
  await sleep(1_000);
  expect(await statuses()).toEqual(new Set([503]));
  expect(linesWith('removed or replaced; requests')).toHaveLength(1);

  channel.postMessage('fail');
  await expect.poll(() => linesWith('could not be replaced yet').length).toBe(2);
  expect(linesWith('removed or replaced since')).toHaveLength(2);
  renameSync(`${path}.away`, path);
  await expect.poll(() => linesWith('the worker was replaced').length).toBe(2);
  await expect.poll(() => linesWith('are back').length).toBe(1);
  expect(await statuses()).toEqual(new Set([200]));
});

test('damage that one worker meets makes the health of all of them 503, with one line in the log', async () => {
  const { config, send, linesWith } = await start();
  await register(send);
  const path = join(config.dataDir, 'keyhearth.db');
  execFileSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=4096', 'count=100', 'conv=notrunc'], {
    stdio: 'ignore',
  });
  execFileSync('dd', ['if=/dev/zero', `of=${path}-wal`, 'bs=4096', 'count=100', 'conv=notrunc'], {
    stdio: 'ignore',
  });
  const health = async () => (await send({ path: '/health', headers: alone })).status;
  await expect.poll(health).toBe(503);
  for (let i = 0; i < 20; i++) expect(await health()).toBe(503);
  expect(linesWith('the database is damaged')).toHaveLength(1);
});

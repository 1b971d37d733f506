import { expect, test } from 'vitest';
import type { Send } from '../support/http.ts';
import { startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { ADMIN } from '../support/people.ts';

const start = (dataDir: string, workers: string) =>
  startProcess({ KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_WORKERS: workers, KEYHEARTH_LOCKOUT_ATTEMPTS: '0' });

/** The statuses of verifications, each on a connection of its own, so that it may reach any worker. */
const statusesOf = async (send: Send, key: string, times: number) =>
  new Set(
    (
      await Promise.all(
        Array.from({ length: times }, () =>
          send({ path: '/auth/verify', key, headers: { Connection: 'close' } }),
        ),
      )
    ).map(({ status }) => status),
  );

test('a secret that is replaced is refused at once, in all workers and in another process', async () => {
  const dataDir = temporaryDirectory();
  const one = await start(dataDir, '3');
  await one.send({ method: 'POST', path: '/auth/setup', body: ADMIN });
  const other = await start(dataDir, '1');
  const signedIn = await one.send({ method: 'POST', path: '/v1/auth/login', body: ADMIN });
  const headers = { Authorization: `Bearer ${signedIn.json.access_token}` };
  const made = await one.send({ method: 'POST', path: '/v1/profile/api-keys', headers });
  const path = `/v1/profile/api-keys/${made.json.id}/regenerate`;
  let key: string = made.json.plain_text_token;
  for (let round = 0; round < 4; round++) {
    // Every worker has it in its cache.
    expect(await statusesOf(one.send, key, 30)).toEqual(new Set([200]));
    expect(await statusesOf(other.send, key, 5)).toEqual(new Set([200]));
    const { send } = round % 2 === 0 ? one : other;
    const { status, json } = await send({ method: 'POST', path, headers });
    expect(status).toBe(200);
    expect(await Promise.all([statusesOf(one.send, key, 30), statusesOf(other.send, key, 5)])).toEqual([
      new Set([401]),
      new Set([401]),
    ]);
    key = json.plain_text_token;
  }
});

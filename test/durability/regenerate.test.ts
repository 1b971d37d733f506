import { expect, test } from 'vitest';
import type { Send } from '../support/http.ts';
import { service, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { SEVERAL } from '../support/long.ts';
import { ADMIN } from '../support/people.ts';

const ENV = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_BCRYPT_COST: '10' };

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
  const one = await startProcess({ ...ENV, KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_WORKERS: SEVERAL });
  await one.send({ method: 'POST', path: '/auth/setup', body: ADMIN });
  // In the process of the test.
  const other = await service({ dataDir, env: ENV });
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

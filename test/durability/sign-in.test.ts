import { expect, test } from 'vitest';
import { client, type Send } from '../support/http.ts';
import { service, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { SEVERAL } from '../support/long.ts';
import { ADMIN, cookiesOf } from '../support/people.ts';

const ENV = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_BCRYPT_COST: '10' };

const start = (dataDir: string, workers: string) =>
  startProcess({ ...ENV, KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_WORKERS: workers });

/** Another service on the same data, in the process of the test. */
const startHere = (dataDir: string) => service({ dataDir, env: ENV });

/** Each request takes a connection of its own, so that it may reach any worker. */
const alone = { Connection: 'close' };

const login = (send: Send, body: object = ADMIN) =>
  send({ method: 'POST', path: '/auth/login', headers: alone, body });

const setUp = (send: Send) => send({ method: 'POST', path: '/auth/setup', body: ADMIN });

const statusesWith = async (send: Send, Cookie: string, times: number) =>
  new Set(
    (
      await Promise.all(
        Array.from({ length: times }, () => send({ path: '/auth/self', headers: { ...alone, Cookie } })),
      )
    ).map(({ status }) => status),
  );

test.each(['1', SEVERAL])(
  'of 100 wrong passwords at once, five are evaluated, with workers: %s',
  async (workers) => {
    const { send } = await start(temporaryDirectory(), workers);
    await setUp(send);
    const wrong = { ...ADMIN, password: 'not the password of it' };
    const answers = await Promise.all(Array.from({ length: 100 }, () => login(send, wrong)));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(401), count(429)]).toEqual([5, 95]);
    expect(await login(send)).toMatchObject({ status: 429 });
  },
);

test('a session that is ended is refused at once, in all workers and in another process', async () => {
  const dataDir = temporaryDirectory();
  const one = await start(dataDir, SEVERAL);
  await setUp(one.send);
  const other = await startHere(dataDir);
  for (let round = 0; round < 5; round++) {
    const Cookie = cookiesOf(await login(client(one.origin)));
    // Every worker has it in its cache.
    expect(await statusesWith(one.send, Cookie, 30)).toEqual(new Set([200]));
    expect(await statusesWith(other.send, Cookie, 5)).toEqual(new Set([200]));
    const end = round % 2 === 0 ? one : other;
    expect(
      await end.send({ method: 'POST', path: '/auth/logout', headers: { ...alone, Cookie } }),
    ).toMatchObject({ status: 204 });
    const answers = await Promise.all([
      statusesWith(other.send, Cookie, 5),
      statusesWith(one.send, Cookie, 30),
    ]);
    expect(answers).toEqual([new Set([401]), new Set([401])]);
  }
});

test('a change of the password ends the other sessions in all workers and in another process', async () => {
  const dataDir = temporaryDirectory();
  const one = await start(dataDir, SEVERAL);
  await setUp(one.send);
  const other = await startHere(dataDir);
  const [mine, theirs] = [cookiesOf(await login(one.send)), cookiesOf(await login(other.send))];
  expect(await statusesWith(one.send, theirs, 30)).toEqual(new Set([200]));
  expect(await statusesWith(other.send, theirs, 5)).toEqual(new Set([200]));
  const body = { current_password: ADMIN.password, password: 'purple monkey dishwasher' };
  const answer = await one.send({
    method: 'POST',
    path: '/auth/self/password',
    headers: { ...alone, Cookie: mine },
    body,
  });
  expect(answer).toMatchObject({ status: 204 });
  expect(await statusesWith(one.send, theirs, 30)).toEqual(new Set([401]));
  expect(await statusesWith(other.send, theirs, 5)).toEqual(new Set([401]));
  expect(await statusesWith(one.send, mine, 30)).toEqual(new Set([200]));
});

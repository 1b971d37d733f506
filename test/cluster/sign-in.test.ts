import { expect, test } from 'vitest';
import { codeAt } from '../support/codes.ts';
import type { Send } from '../support/http.ts';
import { ADMIN, cookiesOf, setUpTwoFactor, withCookie } from '../support/people.ts';
import { onOnePostgres, senders } from './replicas.ts';

const cluster = onOnePostgres();

const setUp = (send: Send) => send({ method: 'POST', path: '/auth/setup', body: ADMIN });

const login = (send: Send, body: object = ADMIN) => send({ method: 'POST', path: '/auth/login', body });

test('replicas share the locks of e-mail addresses, and their end', async () => {
  const { replicas } = await cluster(2);
  const [one, two] = senders(replicas);
  const key = (await setUp(one)).json.raw_key;
  for (let i = 0; i < 5; i++) await login(one, { ...ADMIN, password: 'not the password of it' });
  await expect.poll(async () => (await login(two)).status).toBe(429);
  for (const send of [one, two])
    expect((await send({ path: '/auth/lockouts', key })).json.lockouts).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'sign_in_email', address: ADMIN.email, failures: 5 }),
      ]),
    );
  const path = `/auth/lockouts/${encodeURIComponent(ADMIN.email)}`;
  expect(await two({ method: 'DELETE', path, key })).toMatchObject({ status: 204 });
  await expect.poll(async () => (await login(one)).status).toBe(200);
});

test('a session that one replica ends is refused by the other at once', async () => {
  const { replicas } = await cluster(2);
  const [one, two] = senders(replicas);
  await setUp(one);
  for (let round = 0; round < 10; round++) {
    const cookie = cookiesOf(await login(one));
    const [here, there] = [withCookie(one, cookie), withCookie(two, cookie)];
    for (const person of [here, there])
      expect(await person('GET', '/auth/self')).toMatchObject({ status: 200 });
    expect(await here('POST', '/auth/logout')).toMatchObject({ status: 204 });
    expect(await there('GET', '/auth/self')).toMatchObject({ status: 401 });
  }
});

test('of 20 sign-ins with one code at both replicas, one succeeds', async () => {
  const { replicas } = await cluster(2);
  const [one, two] = senders(replicas);
  const admin = withCookie(one, cookiesOf(await setUp(one)));
  const { secret } = await setUpTwoFactor(admin, { now: Date.now });
  // The code of the next step is valid already.
  const code = codeAt(secret, Date.now() + 30_000);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => login(i % 2 === 0 ? one : two, { ...ADMIN, code })),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

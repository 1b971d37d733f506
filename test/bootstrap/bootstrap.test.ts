import { describe, expect, test } from 'vitest';
import { FIRST_KEY, register, service, sqlIn } from '../support/keyhearth.ts';

const registration = (headers: Record<string, string> = {}, api_key = FIRST_KEY) => ({
  method: 'POST',
  path: '/auth/register-key',
  body: { api_key },
  headers,
});

test('a hundred simultaneous registrations: one 201, the rest 409, one key', async () => {
  const { send, dataDir } = await service();
  const keys = Array.from({ length: 100 }, (_, i) => `key-number-${i}-of-a-hundred-0123456789`);
  const answers = await Promise.all(keys.map((key) => send(registration({}, key))));
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 409)).toHaveLength(99);
  const winner = keys[answers.findIndex((answer) => answer.status === 201)] ?? '';
  expect((await send({ path: '/auth/keys', key: winner })).json.keys).toHaveLength(1);
  expect(await sqlIn(dataDir, 'select id from bootstrap_claim')).toEqual([{ id: 1 }]);
});

test('needs_bootstrap and has_db_keys are opposites at every moment of a registration', async () => {
  const { send } = await service();
  const registering = register(send);
  let isDone = false;
  void registering.then(() => {
    isDone = true;
  });
  do {
    const { json } = await send('/auth/bootstrap-status');
    expect(json.needs_bootstrap).toBe(!json.has_db_keys);
  } while (!isDone);
});

test('a claim that the database has lost is still believed', async () => {
  const { send, dataDir } = await service();
  await register(send);
  await sqlIn(dataDir, 'delete from api_keys; delete from bootstrap_claim');
  expect((await send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(false);
  expect((await send(registration())).status).toBe(409);
});

test('removing every row of the keys does not reopen it', async () => {
  const { send, dataDir } = await service();
  await register(send);
  await sqlIn(dataDir, 'delete from api_keys');
  expect((await send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(false);
  expect((await send(registration())).status).toBe(409);
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).json.code).toBe('no_api_key_configured');
});

test.each([
  [
    'your-secure-api-key-at-least-32-chars',
    /first key is weak.*a sample from documentation.*create another key/,
  ],
  ['z'.repeat(40), /first key is weak.*a repeated text.*create another key/],
])('a weak first key is registered, and the log warns without showing it: %s', async (key, warning) => {
  const { send, log } = await service();
  const answer = await send(registration({}, key));
  expect(answer).toMatchObject({ status: 201, json: { detail: 'API key registered.' } });
  expect(log.filter(({ level }) => level === 'warn')).toEqual([
    expect.objectContaining({ msg: expect.stringMatching(warning) }),
  ]);
  expect(JSON.stringify(log)).not.toContain(key.slice(0, 16));
});

test('no other first key makes the log warn', async () => {
  const { send, log } = await service();
  await register(send);
  expect(log.filter(({ level }) => level === 'warn')).toEqual([]);
});

describe('with a bootstrap token', () => {
  const token = 'correct-horse-battery';
  const options = { env: { KEYHEARTH_BOOTSTRAP_TOKEN: token } };

  test('the first key is registered by who knows it', async () => {
    const { send } = await service(options);
    expect((await send(registration({ 'X-Bootstrap-Token': token }))).status).toBe(201);
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  });

  test('without it: 401 that says what is missing and counts nothing', async () => {
    const { send } = await service(options);
    for (let i = 0; i < 7; i++) {
      const answer = await send(registration());
      expect(answer.status).toBe(401);
      expect(answer.json.code).toBe('invalid_bootstrap_token');
      expect(answer.headers['www-authenticate']).toBeDefined();
    }
    expect((await send(registration({ 'X-Bootstrap-Token': token }))).status).toBe(201);
  });

  test('a wrong one is a failed attempt: the sixth is locked out, also with the right one', async () => {
    const { send } = await service(options);
    for (const remaining of [4, 3, 2, 1, 0]) {
      const answer = await send(registration({ 'X-Bootstrap-Token': `${token}x` }));
      expect(answer.status).toBe(401);
      expect(answer.json.detail).toBe(`Invalid bootstrap token. ${remaining} attempts remaining.`);
    }
    expect((await send(registration({ 'X-Bootstrap-Token': token }))).status).toBe(429);
  });

  test('of 100 simultaneous guesses, 5 are evaluated', async () => {
    const { send } = await service(options);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => send(registration({ 'X-Bootstrap-Token': `guess-${i}` }))),
    );
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(5);
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(95);
  });

  test('after the bootstrap it is no oracle: 409 with any token', async () => {
    const { send } = await service(options);
    await send(registration({ 'X-Bootstrap-Token': token }));
    for (const headers of [{}, { 'X-Bootstrap-Token': token }, { 'X-Bootstrap-Token': 'wrong' }]) {
      expect((await send(registration(headers as Record<string, string>))).status).toBe(409);
    }
  });
});

import { describe, expect, test } from 'vitest';
import type { Answer } from '../support/http.ts';
import { FIRST_KEY, type Options, type Running, register, service, sqlIn } from '../support/keyhearth.ts';
import { CHEAP } from '../support/keys.ts';

/** The first administrator: set up once, and with the claim of the first key while that is open. */

const PASSWORD = 'correct horse battery staple';
const TIMES = 20;

const started = (options: Options = {}): Promise<Running> => service({ config: CHEAP, ...options });

const setup = (i = 0, more: object = {}) => ({
  method: 'POST',
  path: '/auth/setup',
  body: { email: `admin-${i}@example.com`, password: PASSWORD, ...more },
});

const statusOf = async ({ send }: Running) => (await send('/auth/setup')).json;

async function stored({ dataDir }: Running) {
  const [admins, claims, keys, sessions] = await Promise.all(
    ['accounts', 'bootstrap_claim', 'api_keys', 'sessions'].map((table) =>
      sqlIn(dataDir, `select count(*) as count from ${table}`),
    ),
  );
  const count = (rows: Record<string, unknown>[] | undefined) => Number(rows?.[0]?.count);
  return { admins: count(admins), claims: count(claims), keys: count(keys), sessions: count(sessions) };
}

describe('while no key is registered', () => {
  test('it makes the administrator, the first key and a session, and takes the claim', async () => {
    const it = await started();
    expect(await statusOf(it)).toEqual({ needs_setup: true, needs_key: false });
    const answer = await it.send(setup(0, { name: 'Operations' }));
    expect(answer).toMatchObject({
      status: 201,
      headers: { 'cache-control': 'no-store' },
      json: { account: { email: 'admin-0@example.com', name: 'Operations', role: 'admin', scopes: ['*'] } },
    });
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^keyhearth_session=khs_[0-9A-Za-z]{61}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect(await it.send({ path: '/auth/keys', key: answer.json.raw_key })).toMatchObject({
      status: 200,
      json: { keys: [{ id: 1, scopes: ['*'], source: 'registered' }] },
    });
    expect((await it.send('/auth/bootstrap-status')).json).toEqual({
      needs_bootstrap: false,
      has_db_keys: true,
    });
    expect(await statusOf(it)).toEqual({ needs_setup: false, needs_key: false });
    expect(await stored(it)).toEqual({ admins: 1, claims: 1, keys: 1, sessions: 1 });
  });

  test(`of ${TIMES} at once, exactly one succeeds`, async () => {
    const it = await started();
    const answers = await Promise.all(Array.from({ length: TIMES }, (_, i) => it.send(setup(i))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) expectLost(answer);
    expect(await stored(it)).toEqual({ admins: 1, claims: 1, keys: 1, sessions: 1 });
  });

  test(`of ${TIMES} at once, mixed with registrations of a key, exactly one takes the claim`, async () => {
    const it = await started();
    const answers = await Promise.all(
      Array.from({ length: TIMES }, (_, i) =>
        i % 2 === 0
          ? it.send(setup(i))
          : it.send({
              method: 'POST',
              path: '/auth/register-key',
              body: { api_key: `${FIRST_KEY}-${i}` },
            }),
      ),
    );
    const winners = answers.filter(({ status }) => status === 201);
    expect(winners).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) expectLost(answer);
    const isAdmin = winners[0]?.json.account !== undefined;
    const admins = isAdmin ? 1 : 0;
    expect(await stored(it)).toEqual({ admins, claims: 1, keys: 1, sessions: admins });
  });

  test('a bad password takes no claim', async () => {
    const it = await started();
    for (const [password, message] of [
      ['short', 'must have at least 12 characters'],
      ['x'.repeat(513), 'must have at most 512 characters'],
      ['Password1234', 'is one of the most common passwords'],
    ] as const) {
      expect(await it.send(setup(0, { password }))).toMatchObject({
        status: 400,
        json: { errors: [{ path: 'password', message }] },
      });
    }
    expect(await stored(it)).toEqual({ admins: 0, claims: 0, keys: 0, sessions: 0 });
  });

  test('a name has no characters that change what people see', async () => {
    const it = await started();
    for (const name of ['a\0b', 'a\nb', 'a\u202eb', 'a\ud800b'])
      expect(await it.send(setup(0, { name }))).toMatchObject({
        status: 400,
        json: { errors: [{ path: 'name' }] },
      });
  });

  test('it needs the bootstrap token where one is set', async () => {
    const token = 'a-bootstrap-token-of-the-tests';
    const it = await started({ env: { KEYHEARTH_BOOTSTRAP_TOKEN: token } });
    expect(await it.send(setup())).toMatchObject({ status: 401, json: { code: 'invalid_bootstrap_token' } });
    const wrong = { ...setup(), headers: { 'X-Bootstrap-Token': `${token}x` } };
    expect(await it.send(wrong)).toMatchObject({ status: 401, json: { code: 'invalid_bootstrap_token' } });
    const right = { ...setup(), headers: { 'X-Bootstrap-Token': token } };
    expect(await it.send(right)).toMatchObject({ status: 201 });
  });

  test('a page of another site cannot do it', async () => {
    const it = await started();
    const headers = { Origin: 'https://evil.example' };
    expect(await it.send({ ...setup(), headers })).toMatchObject({
      status: 403,
      json: { code: 'cross_site_request' },
    });
  });
});

describe('when a key is registered', () => {
  test('it needs a key that holds everything, and makes no further key', async () => {
    const it = await started();
    await register(it.send);
    expect(await statusOf(it)).toEqual({ needs_setup: true, needs_key: true });
    const narrow = await it.send({
      method: 'POST',
      path: '/auth/keys',
      key: FIRST_KEY,
      body: { scopes: ['keys:*'] },
    });
    expect(await it.send(setup())).toMatchObject({ status: 401, json: { code: 'api_key_required' } });
    expect(await it.send({ ...setup(), key: 'a-wrong-key-0123456789-0123456789' })).toMatchObject({
      status: 401,
      json: { code: 'invalid_api_key' },
    });
    expect(await it.send({ ...setup(), key: narrow.json.raw_key })).toMatchObject({
      status: 403,
      json: { code: 'insufficient_scope' },
    });
    const answer = await it.send({ ...setup(), key: FIRST_KEY });
    expect(answer.status).toBe(201);
    expect(answer.json).not.toHaveProperty('raw_key');
    expect(await stored(it)).toEqual({ admins: 1, claims: 1, keys: 2, sessions: 1 });
  });

  test(`of ${TIMES} at once, exactly one succeeds`, async () => {
    const it = await started();
    await register(it.send);
    const answers = await Promise.all(
      Array.from({ length: TIMES }, (_, i) => it.send({ ...setup(i), key: FIRST_KEY })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) expectLost(answer);
    expect(await stored(it)).toEqual({ admins: 1, claims: 1, keys: 1, sessions: 1 });
  });

  test('after it, it is closed for ever', async () => {
    const it = await started();
    await register(it.send);
    expect(await it.send({ ...setup(0), key: FIRST_KEY })).toMatchObject({ status: 201 });
    for (const more of [{ key: FIRST_KEY }, {}])
      expect(await it.send({ ...setup(1), ...more })).toMatchObject({
        status: 403,
        json: { code: 'setup_already_complete' },
      });
  });
});

/** The queue of the hashing threads is bounded, so some of many at once may have to come again. */
function expectLost({ status, json }: Answer): void {
  expect([
    'setup_already_complete',
    'api_key_already_configured',
    'api_key_required',
    'overloaded',
  ]).toContain(json.code);
  expect([401, 403, 409, 503]).toContain(status);
}

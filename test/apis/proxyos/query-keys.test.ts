import { describe, expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY, type Running } from '../../support/keyhearth.ts';
import { CHEAP } from '../../support/keys.ts';

/** `?apiKey=`, which proxies log. */

const ON = { KEYHEARTH_QUERY_KEYS: 'on', LOG_LEVEL: 'debug' };
const started = (env: Record<string, string> = {}) => bootstrapped({ config: CHEAP, env });

const PATHS = ['/api/trpc/routes.list', '/api/v1/routes'];
const SPELLINGS = ['apiKey', 'api%4Bey', '%61piKey', 'api%4bey'];

/** Everything that the service said, in answers and in the log. */
async function saidBy({ send, log }: Running, paths: string[]): Promise<string> {
  const answers: string[] = [];
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'PUT', 'HEAD']) {
      const { text, headers } = await send({ method, path });
      answers.push(text, JSON.stringify(headers));
    }
  }
  return answers.join() + JSON.stringify(log);
}

describe('off, which is the default', () => {
  test.each(PATHS.flatMap((path) => SPELLINGS.map((name) => [path, name] as const)))(
    '%s?%s= is refused, and the refusal names the variable',
    async (path, name) => {
      const { send } = await started();
      const answer = await send(`${path}?${name}=${FIRST_KEY}`);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('KEYHEARTH_QUERY_KEYS=on');
      expect(answer.text).not.toContain(FIRST_KEY);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    },
  );

  test('in the form of tRPC', async () => {
    const { send } = await started();
    const { json } = await send(`/api/trpc/routes.list?apiKey=${FIRST_KEY}`);
    expect(json.error.json).toMatchObject({
      code: -32001,
      data: { code: 'UNAUTHORIZED', httpStatus: 401, path: 'routes.list' },
    });
  });

  test('also beside a valid key in a header, since the URL leaks it all the same', async () => {
    const { send } = await started();
    const headers = { Authorization: `Bearer ${FIRST_KEY}` };
    const path = `/api/v1/health?apiKey=${FIRST_KEY}`;
    expect((await send({ path, headers })).status).toBe(401);
    expect((await send({ path: '/api/v1/health?apiKey=', headers })).status).toBe(200);
    expect((await send({ path: '/api/v1/health?apikey=x&api_key=y', headers })).status).toBe(200);
  });

  test('counts as no attempt, and verifies nothing', async () => {
    const { send } = await started();
    for (let i = 0; i < 20; i++) await send(`/api/v1/health?apiKey=wrong-key-0123456789-0123456789-${i}`);
    expect((await send({ path: '/auth/self', key: FIRST_KEY })).status).toBe(200);
  });
});

describe('on', () => {
  test.each(PATHS.flatMap((path) => SPELLINGS.map((name) => [path, name] as const)))(
    '%s?%s= works',
    async (path, name) => {
      const { send } = await started(ON);
      expect((await send(`${path}?${name}=${encodeURIComponent(FIRST_KEY)}`)).status).toBe(200);
    },
  );

  test('counts in the lockout', async () => {
    const { send } = await started(ON);
    const attempt = (i: number) => send(`/api/v1/health?apiKey=wrong-key-0123456789-0123456789-${i}`);
    for (let i = 0; i < 5; i++) expect((await attempt(i)).status).toBe(401);
    expect((await attempt(5)).status).toBe(429);
    expect((await send(`/api/trpc/routes.list?apiKey=${FIRST_KEY}`)).status).toBe(429);
  });

  test('two different keys are a conflict', async () => {
    const { send } = await started(ON);
    const headers = { Authorization: `Bearer ${FIRST_KEY}` };
    const other = 'another-key-0123456789-0123456789-0123';
    expect((await send({ path: `/api/v1/health?apiKey=${other}`, headers })).status).toBe(400);
    expect((await send(`/api/v1/health?apiKey=${other}&apiKey=${FIRST_KEY}`)).status).toBe(400);
    expect((await send({ path: `/api/v1/health?apiKey=${FIRST_KEY}`, headers })).status).toBe(200);
  });

  test('the core API does not take it', async () => {
    const { send } = await started(ON);
    expect((await send(`/auth/keys?apiKey=${FIRST_KEY}`)).status).toBe(401);
    expect((await send(`/auth/verify?apiKey=${FIRST_KEY}`)).status).toBe(401);
  });
});

test.each([{}, ON])('with %j, the value is in no answer and in no line of the log', async (env) => {
  const keyhearth = await started({ ...env, KEYHEARTH_LOCKOUT_ATTEMPTS: '0', LOG_LEVEL: 'debug' });
  const wrong = 'pxos_secret0123456789secret0123456789';
  const paths = [FIRST_KEY, wrong].flatMap((key) =>
    SPELLINGS.flatMap((name) => [
      `/api/trpc/routes.list?${name}=${key}`,
      `/api/trpc/apiKeys.create?${name}=${key}`,
      `/api/trpc/nope?${name}=${key}`,
      `/api/trpc/nope,routes.list?batch=1&${name}=${key}`,
      `/api/trpc/users.getProfile?input=%7Bbroken&${name}=${key}`,
      `/api/v1/nope?${name}=${key}`,
      `/api/v1/health?${name}=${key}#fragment`,
      `/api/auth/setup?${name}=${key}`,
      `/nowhere?${name}=${key}`,
    ]),
  );
  const said = await saidBy(keyhearth, paths);
  expect(said).toContain('/api/trpc/:procedure');
  expect(said).not.toContain(FIRST_KEY);
  expect(said).not.toContain('secret0123456789');
});

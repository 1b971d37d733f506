import { expect, test } from 'vitest';
import { gatewayService } from '../../support/gateway.ts';
import { FIRST_KEY, register } from '../../support/keyhearth.ts';
import { startUpstream } from '../../support/upstream.ts';

/** The client API with everything that belongs to it: the file, the key store, the lockout, and the limits. */

const DECLARED = 'team-a-key-abc123-0123456789-0123456789';
const OTHER = 'team-b-key-def456-0123456789-0123456789';

async function start(wait: Promise<void> = Promise.resolve()) {
  const upstream = await startUpstream(async () => {
    await wait;
    return false;
  });
  const gateway = await gatewayService(
    [
      `api-keys: ["${DECLARED}", "${OTHER}"]`,
      'openai-compatibility:',
      `  - { name: router, prefix: or, base-url: "${upstream.origin}/v1", api-key-entries: [{ api-key: "sk-router" }] }`,
      `claude-api-key: [{ api-key: "sk-claude", base-url: "${upstream.origin}" }]`,
      'ampcode:',
      `  upstream-url: "${upstream.origin}"`,
      '  upstream-api-key: "amp-default"',
      '  upstream-api-keys:',
      `    - { upstream-api-key: "amp-b", api-keys: ["${OTHER}"] }`,
    ].join('\n'),
  );
  const chat = (key: string, model = 'or/m') =>
    gateway.ask({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { Authorization: `Bearer ${key}` },
      body: { model, messages: [] },
    });
  return { upstream, gateway, chat };
}

test('a declared key passes before any key is registered, and its requests are counted', async () => {
  const { upstream, gateway, chat } = await start();
  const { status, json } = await chat(DECLARED);
  expect([status, json.model]).toEqual([200, 'm']);
  expect(upstream.received.at(-1)?.headers.authorization).toBe('Bearer sk-router');
  const message = await gateway.ask({
    method: 'POST',
    path: '/v1/messages',
    headers: { 'X-Api-Key': DECLARED },
    body: { model: 'claude-x', max_tokens: 1, messages: [] },
  });
  expect([message.status, upstream.received.at(-1)?.headers['x-api-key']]).toEqual([200, 'sk-claude']);
  expect(await chat(DECLARED, 'unknown')).toMatchObject({
    status: 404,
    json: { error: { code: 'no_upstream' } },
  });
  expect(gateway.log.findLast(({ route }) => route === '/v1/messages')).toMatchObject({
    key_id: 1,
    status: 200,
  });
});

test('a key of the store passes when it holds gateway:use', async () => {
  const { gateway, chat } = await start();
  await register(gateway.send);
  const create = async (scopes: string[]) => {
    const { json } = await gateway.send({
      method: 'POST',
      path: '/auth/keys',
      key: FIRST_KEY,
      body: { scopes },
    });
    return json;
  };
  expect((await chat((await create(['gateway:use'])).raw_key)).status).toBe(200);
  expect((await chat((await create(['keys:read'])).raw_key)).status).toBe(403);
  expect((await chat(FIRST_KEY)).status).toBe(200);
  const revoked = await create(['gateway:use']);
  await gateway.send({ method: 'POST', path: `/auth/keys/${revoked.id}/deactivate`, key: FIRST_KEY });
  expect((await chat(revoked.raw_key)).status).toBe(401);
});

test('guesses at the gateway and at the core API count together', async () => {
  const { gateway, chat } = await start();
  for (let i = 0; i < 3; i++) await chat(`guess-${i}-0123456789-0123456789-0123`);
  for (let i = 3; i < 5; i++)
    await gateway.send({ path: '/auth/keys', key: `guess-${i}-0123456789-0123456789-0123` });
  expect((await chat(DECLARED)).status).toBe(429);
});

test('Amp gets the key of each client', async () => {
  const { upstream, gateway } = await start();
  for (const headers of [
    { 'X-Api-Key': DECLARED },
    { 'X-Api-Key': OTHER },
    { Authorization: DECLARED, 'X-Api-Key': OTHER },
  ])
    await gateway.ask({ path: '/api/user', headers });
  expect(upstream.received.map(({ headers }) => headers['x-api-key'])).toEqual([
    'amp-default',
    'amp-b',
    'amp-default',
  ]);
});

test('a key has no more requests open than max_concurrent', async () => {
  const { promise: wait, resolve: answer } = Promise.withResolvers<void>();
  const { upstream, gateway, chat } = await start(wait);
  await register(gateway.send);
  const { json } = await gateway.send({
    method: 'POST',
    path: '/auth/keys',
    key: FIRST_KEY,
    body: { scopes: ['gateway:use'], max_concurrent: 2 },
  });
  const answered: Awaited<ReturnType<typeof chat>>[] = [];
  const answers = Array.from({ length: 5 }, async () => {
    const response = await chat(json.raw_key);
    answered.push(response);
    return response;
  });
  await expect.poll(() => [answered.length, upstream.received.length]).toEqual([3, 2]);
  expect(answered[0]).toMatchObject({ status: 429, json: { error: { code: 'too_many_concurrent' } } });
  answer();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 200, 429, 429, 429]);
  expect((await chat(json.raw_key)).status).toBe(200);
  expect(upstream.received).toHaveLength(3);
});

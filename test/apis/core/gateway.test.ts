import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gatewayService, type WithGateway } from '../../support/gateway.ts';
import { FIRST_KEY, register, service, sqlIn, temporaryDirectory } from '../../support/keyhearth.ts';
import { peopled } from '../../support/people.ts';
import { startUpstream } from '../../support/upstream.ts';

const CONFIG = (authDir: string) => `
auth-dir: ${JSON.stringify(authDir)}
api-keys:
  - team-a-key-abc123-0123456789abcdef # Team A
  - team-b-key-def456-0123456789abcdef
claude-api-key:
  - { api-key: sk-ant-secret-of-claude-0123456789, prefix: production, base-url: "https://claude.example.com/base" }
openai-compatibility:
  - { name: router, base-url: "https://router.example.com/v1", api-key-entries: [{ api-key: short-secret }] }
ampcode: { upstream-url: "https://amp.example.com", upstream-api-key: amp-secret-0123456789abcdef }
oauth:
  anthropic: { client-id: client, authorize-url: "https://login.example.com/authorize", token-url: "https://login.example.com/token", scopes: [all] }
`;

const TOKENS = JSON.stringify({
  type: 'claude',
  email: 'ada@example.com',
  access_token: 'access-token-of-ada',
  refresh_token: 'refresh-token-of-ada',
  expired: '2099-01-01T00:00:00Z',
});

async function withGateway() {
  const authDir = temporaryDirectory();
  writeFileSync(join(authDir, 'claude-ada.json'), TOKENS, { mode: 0o600 });
  const people = await peopled({}, (options) => gatewayService(CONFIG(authDir), options));
  return { ...people, authDir };
}

test('an admin sees what the gateway follows, and no secret', async () => {
  const { admin } = await withGateway();
  const { status, json, text } = await admin('GET', '/auth/gateway');
  expect(status).toBe(200);
  expect(json.gateway).toEqual({
    name: 'default',
    address: 'http://127.0.0.1:0',
    loaded_at: expect.any(Number),
    problem: null,
    declared_keys: 2,
    websockets_need_keys: true,
    upstreams: [
      {
        ...{ protocol: 'claude', name: 'claude-api-key', prefix: 'production', kind: 'api_key' },
        ...{ base_url: 'https://claude.example.com/base', credential: 'sk-ant…', rests_until: null },
      },
      {
        ...{ protocol: 'openai', name: 'router', prefix: null, kind: 'api_key' },
        ...{ base_url: 'https://router.example.com/v1', credential: 'sho…', rests_until: null },
      },
      {
        ...{ protocol: 'claude', name: 'claude-ada.json', prefix: null, kind: 'oauth' },
        ...{ base_url: 'https://api.anthropic.com', credential: 'claude-ada.json', rests_until: null },
      },
      {
        ...{ protocol: 'amp', name: 'ampcode', prefix: null, kind: 'api_key' },
        ...{ base_url: 'https://amp.example.com', credential: 'amp-se…', rests_until: null },
      },
    ],
    sessions: [
      {
        ...{ id: expect.any(String), provider: 'anthropic', email: 'ada@example.com', state: 'active' },
        expires_at: Date.parse('2099-01-01T00:00:00Z') / 1_000,
      },
    ],
    providers: ['anthropic'],
  });
  for (const secret of ['secret-of', 'short-secret', 'amp-secret', '-token-of-ada', 'team-a-key'])
    expect(text).not.toContain(secret);
});

test('the routes of ProxyOS are the upstreams of the gateway', async () => {
  const { call } = await withGateway();
  const { json } = await call('GET', '/api/v1/routes');
  expect(json).toEqual([
    { id: '1-production', path: '/v1/messages', upstream: 'https://claude.example.com/base', enabled: true },
    { id: '2-router', path: '/v1/*', upstream: 'https://router.example.com/v1', enabled: true },
    { id: '3-claude-ada.json', path: '/v1/messages', upstream: 'https://api.anthropic.com', enabled: true },
    { id: '4-ampcode', path: '/api/*', upstream: 'https://amp.example.com', enabled: true },
  ]);
  const { json: listed } = await call('GET', '/api/trpc/routes.list');
  expect(listed.result.data.json).toEqual(json);
});

test('an admin connects a provider and ends a session, and the audit log says who', async () => {
  const { admin, adminId, dataDir } = await withGateway();
  const { json: connected } = await admin('POST', '/auth/gateway/oauth/anthropic');
  const url = new URL(connected.url);
  expect(url.origin + url.pathname).toBe('https://login.example.com/authorize');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'client',
    code_challenge_method: 'S256',
    state: expect.stringMatching(/^.{20,}$/),
  });
  const [session] = (await admin('GET', '/auth/gateway')).json.gateway.sessions;
  expect(await admin('DELETE', `/auth/gateway/sessions/${session.id}`)).toMatchObject({ status: 204 });
  expect((await admin('GET', '/auth/gateway')).json.gateway.sessions).toEqual([]);
  const { json } = await admin('GET', '/auth/audit?limit=2');
  expect(json.events).toMatchObject([
    {
      action: 'gateway.signed_out',
      actor: { kind: 'account', id: adminId },
      changes: { session: { from: 'claude-ada.json', to: null } },
    },
    { action: 'gateway.sign_in_started', changes: { provider: { from: null, to: 'anthropic' } } },
  ]);
  const stored = JSON.stringify(await sqlIn(dataDir, 'select * from audit_events'));
  for (const secret of ['-token-of-ada', url.searchParams.get('state') ?? '', 'team-a-key-abc123-'])
    expect(stored).not.toContain(secret);
});

test('what the file does not configure cannot be connected', async () => {
  const { admin } = await withGateway();
  expect(await admin('POST', '/auth/gateway/oauth/google')).toMatchObject({
    status: 400,
    json: {
      code: 'invalid_request',
      errors: [{ path: 'provider', message: expect.stringContaining('oauth.google.client-id') }],
    },
  });
  expect(await admin('POST', '/auth/gateway/oauth/other')).toMatchObject({ status: 400 });
  expect(await admin('DELETE', '/auth/gateway/sessions/none')).toMatchObject({
    status: 404,
    json: { code: 'session_not_found' },
  });
});

test('an admin sees what each key asked of each model', async () => {
  const upstream = await startUpstream();
  const key = 'team-a-key-abc123-0123456789abcdef';
  const upstreams = `openai-compatibility:
  - { name: r, base-url: "${upstream.origin}/v1", api-key-entries: [{ api-key: s }] }`;
  let gateway: WithGateway | undefined;
  const { admin, call } = await peopled({}, async (options) => {
    gateway = await gatewayService(`api-keys:\n  - ${key} # Team A\n${upstreams}\n`, options);
    return gateway;
  });
  const chat = (model: string) =>
    gateway?.ask({ method: 'POST', path: '/v1/chat/completions', key, body: { model, messages: [] } });
  for (const model of ['small', 'large', 'small']) expect(await chat(model)).toMatchObject({ status: 200 });
  const { json } = await admin('GET', '/auth/gateway/usage');
  const named = { key_id: expect.any(Number), label: 'Team A', hint: expect.any(String), failures: 0 };
  expect(json.usage).toEqual([
    { ...named, model: 'small', requests: 2, input_tokens: 14, output_tokens: 8 },
    { ...named, model: 'large', requests: 1, input_tokens: 7, output_tokens: 4 },
  ]);
  expect((await call('GET', '/auth/gateway/usage')).json).toEqual(json);
});

test.each([
  ['GET', '/auth/gateway'],
  ['GET', '/auth/gateway/usage'],
  ['POST', '/auth/gateway/oauth/anthropic'],
  ['DELETE', '/auth/gateway/sessions/none'],
])('%s %s is for admins', async (method, path) => {
  const { call, send, add, signIn } = await withGateway();
  await add('ada@example.com');
  const member = await signIn({ email: 'ada@example.com', password: 'correct horse battery staple' });
  const { json: weak } = await call('POST', '/auth/keys', { scopes: ['keys:*', 'gateway:use'] });
  expect(await member(method, path)).toMatchObject({ status: 403 });
  expect(await send({ method, path, key: weak.raw_key })).toMatchObject({ status: 403 });
  expect(await send({ method, path })).toMatchObject({ status: 401 });
});

test('a service without a gateway says so', async () => {
  const { send } = await service();
  await register(send);
  const key = FIRST_KEY;
  expect(await send({ path: '/auth/gateway', key })).toMatchObject({ status: 200, json: { gateway: null } });
  expect(await send({ method: 'POST', path: '/auth/gateway/oauth/anthropic', key })).toMatchObject({
    status: 404,
  });
  expect((await send({ path: '/api/v1/routes', key })).json).toEqual([]);
});

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authorizationServer, signInAt } from '../support/authorization-server.ts';
import { gatewayProcess } from '../support/gateway.ts';
import { client } from '../support/http.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

/** The management API of a process with several workers. */

const A = 'team-a-key-abc123-0123456789abcdef';
const B = 'team-b-key-def456-0123456789abcdef';
const PASSWORD = 'password-of-the-environment';
const headers = { Authorization: `Bearer ${PASSWORD}` };
/** Connections, so that each worker gets some. */
const MANY = 12;

async function start(text: string) {
  const authDir = join(temporaryDirectory(), 'auth');
  mkdirSync(authDir, { mode: 0o700 });
  const gateway = await gatewayProcess(`auth-dir: ${authDir}\n${text}`, {
    KEYHEARTH_WORKERS: '2',
    MANAGEMENT_PASSWORD: PASSWORD,
  });
  /** Asks by many new connections at once. */
  const askAll = (path: string, number = MANY) =>
    Promise.all(Array.from({ length: number }, () => client(gateway.gatewayOrigin)({ path, headers })));
  return { ...gateway, askAll };
}

test('a change that was answered is in force on every worker, and is one event', async () => {
  const { ask, askAll, send } = await start(`api-keys: ["${A}"]\n`);
  const path = '/v0/management/api-keys';
  for (const keys of [[A, B], [B], [A, B], [A]]) {
    expect(await ask({ method: 'PUT', path, headers, body: keys })).toMatchObject({ status: 200 });
    for (const { json } of await askAll(path)) expect(json).toEqual({ 'api-keys': keys });
    const verifies = await Promise.all([A, B].map((key) => send({ path: '/auth/verify', key })));
    expect(verifies.map(({ status }) => status)).toEqual(
      [A, B].map((key) => (keys.includes(key) ? 200 : 401)),
    );
  }
});

test('a hundred wrong secrets at once are evaluated five times', async () => {
  const { gatewayOrigin } = await start('');
  const clients = Array.from({ length: MANY }, () => client(gatewayOrigin));
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      clients[i % MANY]?.({
        path: '/v0/management/config',
        headers: { Authorization: `Bearer wrong-${i}` },
      }),
    ),
  );
  const statuses = answers.map((answer) => answer?.status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(5);
  expect(statuses.filter((status) => status === 403)).toHaveLength(95);
});

test('a sign-in begins and ends on any worker, and all use its token', async () => {
  const server = await authorizationServer();
  const { authorizeUrl, tokenUrl, redirectUrl } = server.settings();
  const urls = `authorize-url: "${authorizeUrl}", token-url: "${tokenUrl}", redirect-url: "${redirectUrl}"`;
  const { ask, askAll, gatewayOrigin } = await start(
    `oauth: { anthropic: { client-id: public, ${urls}, scopes: [openid, email] } }\n`,
  );
  for (let round = 0; round < 4; round++) {
    const { json } = await ask({ method: 'POST', path: '/v0/management/oauth/anthropic', headers });
    const answer = await signInAt(json.url);
    // Many arrive at once, and one of them ends the sign-in.
    const pages = await Promise.all(
      Array.from({ length: MANY }, () => client(gatewayOrigin)(`/anthropic/callback?${answer}`)),
    );
    expect(pages.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const status of await askAll(`/v0/management/get-auth-status?state=${json.state}`))
      expect(status.json).toEqual({ status: 'ok' });
  }
  expect(server.state.tokenRequests).toHaveLength(4);
  for (const { json } of await askAll('/v0/management/sessions'))
    expect(json.sessions).toMatchObject([{ email: 'ada@example.com', status: 'active' }]);
});

test('the pages of this machine have five guesses over all workers, and lock no program out', async () => {
  const { ask, gatewayOrigin } = await start(`api-keys: ["${A}"]\n`);
  for (const path of ['/v1/models', '/v0/management/api-keys']) {
    const statuses = await Promise.all(
      Array.from({ length: 4 * MANY }, async (_, i) => {
        const guess = { Origin: 'https://page.example', Authorization: `Bearer guess-of-a-page-${i}` };
        return (await client(gatewayOrigin)({ path, headers: guess })).status;
      }),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
  }
  expect(await ask({ path: '/v1/models', headers: { 'X-Api-Key': A } })).toMatchObject({ status: 200 });
  expect(await ask({ path: '/v0/management/api-keys', headers })).toMatchObject({ status: 200 });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { authorizationServer, signInAt } from '../../support/authorization-server.ts';
import { sqlIn } from '../../support/keyhearth.ts';
import { managed } from '../../support/management.ts';

const KEYS = 'api-keys: [team-a-key-abc123-0123456789abcdef]\n';

/** @param rest more settings of the provider */
async function withProvider(rest = '') {
  const server = await authorizationServer();
  const { authorizeUrl, tokenUrl, redirectUrl } = server.settings();
  const urls = `authorize-url: "${authorizeUrl}", token-url: "${tokenUrl}", redirect-url: "${redirectUrl}"`;
  const scopes = 'scopes: [openid, email, offline_access]';
  const gateway = await managed(
    `${KEYS}oauth:\n  anthropic: { client-id: public, ${urls}, ${scopes}${rest} }\n  codex: { client-id: public }\n`,
  );
  /** Ends a sign-in as a browser does. */
  const callback = (answer: URLSearchParams, provider = 'anthropic', method = 'GET') =>
    gateway.ask({ method, path: `/${provider}/callback?${answer}` });
  const status = async (state: string) =>
    (await gateway.manage({ path: `get-auth-status?state=${state}` })).json;
  return { ...gateway, server, callback, status };
}

describe('a sign-in with a provider', () => {
  test.each([
    ['POST', 'oauth/anthropic'],
    ['GET', 'anthropic-auth-url'],
    ['GET', 'anthropic-auth-url?is_webui=true'],
  ])('begins with %s %s, and ends at the callback', async (method, path) => {
    const { manage, callback, status, events } = await withProvider();
    const { json } = await manage({ method, path });
    expect(json).toEqual({ status: 'ok', url: expect.any(String), state: expect.any(String) });
    expect(await status(json.state)).toEqual({ status: 'wait' });
    const page = await callback(await signInAt(json.url));
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('Signed in') });
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringMatching(/^default-src 'none'/),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    expect(await status(json.state)).toEqual({ status: 'ok' });
    expect((await manage({ path: 'sessions' })).json.sessions).toMatchObject([
      { provider: 'anthropic', email: 'ada@example.com', status: 'active' },
    ]);
    for (const action of ['gateway.sign_in_started', 'gateway.signed_in'])
      expect(await events(action)).toMatchObject([
        { actor_kind: 'management', changes: { provider: { from: null, to: 'anthropic' } } },
      ]);
  });

  test('is not ended by a program that only looks at the link', async () => {
    const { manage, callback, status } = await withProvider();
    const { json } = await manage({ method: 'POST', path: 'oauth/anthropic' });
    const answer = await signInAt(json.url);
    expect(await callback(answer, 'anthropic', 'HEAD')).toMatchObject({ status: 405 });
    expect(await callback(answer, 'anthropic', 'POST')).toMatchObject({ status: 404 });
    expect(await status(json.state)).toEqual({ status: 'wait' });
    expect(await callback(answer)).toMatchObject({ status: 200 });
  });

  test.each(['anthropic', 'codex', 'google', 'iflow', 'antigravity'])(
    'that nobody began is refused, and nothing is repeated: %s',
    async (provider) => {
      const { callback, log } = await withProvider();
      const answer = new URLSearchParams({ state: '<b>state', code: '<b>code', error: '<b>error' });
      const page = await callback(answer, provider);
      expect(page).toMatchObject({ status: 400, text: expect.stringContaining('Not signed in') });
      expect(page.text).not.toContain('<b>');
      expect(JSON.stringify(log)).not.toContain('<b>');
    },
  );

  test('needs the settings of the provider', async () => {
    const { manage } = await withProvider();
    expect(await manage({ method: 'POST', path: 'oauth/codex' })).toMatchObject({
      status: 400,
      json: {
        error: { message: 'the file of the gateway lacks oauth.codex.authorize-url, oauth.codex.token-url' },
      },
    });
    expect((await manage({ path: 'gemini-cli-auth-url' })).json.error.message).toContain(
      'oauth.google.client-id',
    );
    expect(await manage({ method: 'POST', path: 'oauth/unknown' })).toMatchObject({ status: 404 });
    expect(await manage({ path: 'unknown-auth-url' })).toMatchObject({ status: 404 });
  });

  test('has a state that is unknown, or was', async () => {
    const { status } = await withProvider();
    const unknown = { status: 'error', error: 'unknown or expired state' };
    expect(await status('unknown')).toEqual(unknown);
    expect(await status('')).toEqual(unknown);
  });

  test('leaves no token and no state in the log or the database', async () => {
    const { manage, callback, log, dataDir, events } = await withProvider();
    const { json } = await manage({ method: 'POST', path: 'oauth/anthropic' });
    const answer = await signInAt(json.url);
    await callback(answer);
    const { text } = await manage({ path: 'auth-files/download?name=claude-ada@example.com.json' });
    const { access_token, refresh_token } = JSON.parse(text);
    const seen = JSON.stringify([
      log,
      await events('gateway.signed_in'),
      await sqlIn(dataDir, 'select * from oauth_flows'),
    ]);
    for (const secret of [access_token, refresh_token, json.state, answer.get('code')])
      expect(seen).not.toContain(secret);
  });
});

describe('a token', () => {
  const CLIENT = { Authorization: 'Bearer team-a-key-abc123-0123456789abcdef' };

  /** An upstream that answers with the credential that it got. */
  async function upstream(): Promise<string> {
    const server = createServer((request, response) => {
      const { authorization, 'x-api-key': key } = request.headers;
      request
        .resume()
        .on('end', () => response.end(JSON.stringify({ authorization, key, url: request.url })));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('of a sign-in serves the requests of clients, until the session ends', async () => {
    const { manage, callback, ask } = await withProvider(`, base-url: "${await upstream()}"`);
    const chat = () =>
      ask({
        method: 'POST',
        path: '/v1/messages',
        headers: CLIENT,
        body: { model: 'claude-x', messages: [] },
      });
    expect(await chat()).toMatchObject({ status: 404 });
    const { json } = await manage({ method: 'POST', path: 'oauth/anthropic' });
    await callback(await signInAt(json.url));
    const { text } = await manage({ path: 'auth-files/download?name=claude-ada@example.com.json' });
    const answer = await chat();
    expect(JSON.parse(answer.text)).toEqual({
      authorization: `Bearer ${JSON.parse(text).access_token}`,
      url: '/v1/messages',
    });
    const [session] = (await manage({ path: 'sessions' })).json.sessions;
    await manage({ method: 'DELETE', path: `sessions/${session.id}` });
    expect(await chat()).toMatchObject({ status: 404 });
  });

  test('of an uploaded file serves the models of its prefix', async () => {
    const { manage, ask } = await withProvider(`, base-url: "${await upstream()}"`);
    const form = new FormData();
    form.append('file', new File(['{"access_token": "uploaded-token"}'], 'a.json'));
    form.append('channel', 'claude');
    form.append('prefix', 'prod');
    const request = new Request('http://localhost', { method: 'POST', body: form });
    const headers = { 'Content-Type': request.headers.get('Content-Type') ?? '' };
    const body = new Uint8Array(await request.arrayBuffer());
    expect(await manage({ method: 'POST', path: 'auth-files', headers, body })).toMatchObject({
      status: 200,
    });
    const chat = (model: string) =>
      ask({ method: 'POST', path: '/v1/messages', headers: CLIENT, body: { model, messages: [] } });
    expect(JSON.parse((await chat('prod/claude-x')).text).authorization).toBe('Bearer uploaded-token');
    expect(await chat('claude-x')).toMatchObject({ status: 404 });
  });
});

describe('a session', () => {
  test('ends by its id', async () => {
    const { manage, callback, events } = await withProvider();
    const { json } = await manage({ method: 'POST', path: 'oauth/anthropic' });
    await callback(await signInAt(json.url));
    const [session] = (await manage({ path: 'sessions' })).json.sessions;
    expect(JSON.stringify(session)).not.toContain('token');
    const path = `sessions/${session.id}`;
    expect(await manage({ method: 'DELETE', path })).toMatchObject({ status: 204, text: '' });
    expect(await manage({ method: 'DELETE', path })).toMatchObject({
      status: 404,
      json: { error: { message: 'session not found', type: 'not_found' } },
    });
    expect((await manage({ path: 'sessions' })).json).toEqual({ sessions: [] });
    expect((await manage({ path: 'auth-files' })).json).toEqual({ files: [] });
    expect(await events('gateway.signed_out')).toHaveLength(1);
  });
});

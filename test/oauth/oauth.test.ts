import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { GatewayConfig, OAuthProvider, OAuthSettings } from '../../src/gateway-file/config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { allocateNews } from '../../src/lib/news.ts';
import { createAuthDir } from '../../src/oauth/auth-dir.ts';
import { createFlows, missingSettings } from '../../src/oauth/flows.ts';
import { createRefresher } from '../../src/oauth/refresher.ts';
import { createOAuth } from '../../src/oauth/service.ts';
import { readSessions } from '../../src/oauth/sessions.ts';
import { createSeal } from '../../src/pepper/seal.ts';
import { openStorage } from '../../src/storage.ts';
import type { TokenCredential } from '../../src/upstreams/credential.ts';
import { authorizationServer, REDIRECT, signInAt } from '../support/authorization-server.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { databaseFor, temporaryDirectory } from '../support/keyhearth.ts';
import { noDatabase } from '../support/no-database.ts';

type Settings = Partial<Record<OAuthProvider, OAuthSettings>>;

/** Several threads that share a database and a directory of token files. */
async function threads(oauth: Settings, { clock, pass } = fakeClock()) {
  const dataDir = temporaryDirectory();
  const authDir = join(temporaryDirectory(), 'auth');
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(() => storage.close());
  const current = { authDir, port: 8317, oauth } as GatewayConfig;

  const said = allocateNews();
  function thread() {
    const given: { tokens: readonly TokenCredential[] } = { tokens: [] };
    const service = createOAuth({
      db: storage.db,
      clock,
      seal: createSeal(storage.pepper),
      live: { current: () => current, onChange: () => undefined },
      ...{ logger, said },
      setTokens: (tokens) => {
        given.tokens = tokens;
      },
    });
    onTestFinished(service.close);
    return { ...service, given };
  }

  const directory = createAuthDir(() => authDir);
  const refresher = createRefresher({ db: storage.db, clock, directory, config: () => current, logger });
  const fileOf = (name: string) => join(authDir, name);
  const tokensIn = (name: string) => JSON.parse(readFileSync(fileOf(name), 'utf8'));
  return {
    one: thread(),
    two: thread(),
    authDir,
    directory,
    refresher,
    fileOf,
    tokensIn,
    lines,
    pass,
    clock,
    current,
  };
}

const FILE = 'claude-ada@example.com.json';

async function signedIn(accessTokenSeconds?: number) {
  const server = await authorizationServer({ ...(accessTokenSeconds && { accessTokenSeconds }) });
  const all = await threads({ anthropic: server.settings() });
  const { url } = await all.one.start('anthropic');
  expect(await all.one.finish('anthropic', await signInAt(url))).toBe(true);
  return { server, ...all };
}

describe('the sign-in', () => {
  test('asks for a code with PKCE, and stores the tokens as CLI Proxy API does', async () => {
    const { url, tokensIn, server } = await signedInOf('public');
    const { searchParams } = new URL(url);
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: 'code',
      client_id: 'public',
      redirect_uri: REDIRECT,
      scope: 'openid email offline_access',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(tokensIn(FILE)).toEqual({
      type: 'claude',
      email: 'ada@example.com',
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      id_token: expect.any(String),
      last_refresh: expect.stringMatching(/Z$/),
      expired: expect.stringMatching(/Z$/),
    });
    expect(server.state.tokenRequests).toEqual(['']);
  });

  test('authenticates a client that has a secret', async () => {
    const { server, tokensIn } = await signedInOf('confidential');
    expect(server.state.tokenRequests).toEqual([expect.stringMatching(/^Basic /)]);
    expect(tokensIn(FILE).access_token).toEqual(expect.any(String));
  });

  async function signedInOf(client: 'public' | 'confidential') {
    const server = await authorizationServer();
    const all = await threads({ anthropic: server.settings(client) });
    const { url } = await all.one.start('anthropic');
    expect(await all.two.finish('anthropic', await signInAt(url))).toBe(true);
    return { server, url, ...all };
  }

  test('begins on one thread and ends on another, and its state says so everywhere', async () => {
    const server = await authorizationServer();
    const { one, two } = await threads({ anthropic: server.settings() });
    const { url, state } = await one.start('anthropic');
    expect(await two.status(state)).toEqual({ status: 'wait' });
    expect(await two.finish('anthropic', await signInAt(url))).toBe(true);
    expect(await one.status(state)).toEqual({ status: 'ok' });
    expect(two.given.tokens).toEqual([
      { protocol: 'claude', name: FILE, accessToken: expect.any(String), prefix: null, baseUrl: null },
    ]);
    await one.notice();
    expect(one.given.tokens).toEqual(two.given.tokens);
  });

  test('the state works once, also when two answers arrive at once', async () => {
    const server = await authorizationServer();
    const { one, two } = await threads({ anthropic: server.settings() });
    const { url } = await one.start('anthropic');
    const answer = await signInAt(url);
    const results = await Promise.all([one.finish('anthropic', answer), two.finish('anthropic', answer)]);
    expect(results.toSorted()).toEqual([false, true]);
    expect(await one.finish('anthropic', answer)).toBe(false);
    expect(server.state.tokenRequests).toHaveLength(1);
  });

  test('the state ends after ten minutes', async () => {
    const server = await authorizationServer();
    const { one, pass } = await threads({ anthropic: server.settings() });
    const { url, state } = await one.start('anthropic');
    const answer = await signInAt(url);
    pass(600);
    expect(await one.finish('anthropic', answer)).toBe(false);
    expect(await one.status(state)).toEqual({ status: 'error', error: 'unknown or expired state' });
    expect(server.state.tokenRequests).toEqual([]);
  });

  test.each(['', 'made-up', 'a'.repeat(5_000)])('an unknown state is refused: %.20s', async (state) => {
    const { one, lines } = await threads({});
    expect(await one.finish('anthropic', new URLSearchParams({ state, code: 'x' }))).toBe(false);
    expect(await one.status(state)).toEqual({ status: 'error', error: 'unknown or expired state' });
    expect(lines).toEqual([]);
  });

  test.each([
    ['of another form', 'made-up', 0],
    ['of the right form', 'a'.repeat(43), 1],
  ])('an unknown state %s costs no write', async (_, state, reads) => {
    const read = vi.spyOn(noDatabase, 'selectFrom');
    const write = vi.spyOn(noDatabase, 'transaction');
    onTestFinished(() => void vi.restoreAllMocks());
    const flows = createFlows({
      ...{ db: noDatabase, clock: fakeClock().clock, seal: createSeal(createSecretKey(randomBytes(32))) },
      config: () => ({ oauth: {} }) as GatewayConfig,
      onGranted: async () => undefined,
      onFailed: () => undefined,
    });
    expect(await flows.finish('anthropic', new URLSearchParams({ state, code: 'x' }))).toBe(false);
    expect([read.mock.calls.length, write.mock.calls.length]).toEqual([reads, 0]);
  });

  test('a state given twice is refused', async () => {
    const server = await authorizationServer();
    const { one } = await threads({ anthropic: server.settings() });
    const answer = await signInAt((await one.start('anthropic')).url);
    answer.append('state', 'another');
    expect(await one.finish('anthropic', answer)).toBe(false);
  });

  test('an answer at the callback of another provider ends the sign-in', async () => {
    const server = await authorizationServer();
    const { one, lines } = await threads({ anthropic: server.settings(), codex: server.settings() });
    const { url, state } = await one.start('anthropic');
    const answer = await signInAt(url);
    expect(await one.finish('codex', answer)).toBe(false);
    expect(await one.status(state)).toEqual({
      status: 'error',
      error: 'the answer came to the callback of codex',
    });
    expect(await one.finish('anthropic', answer)).toBe(false);
    expect(server.state.tokenRequests).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  test('an answer of another issuer ends the sign-in', async () => {
    const server = await authorizationServer();
    const { one } = await threads({ anthropic: server.settings() });
    const { url } = await one.start('anthropic');
    const answer = await signInAt(url);
    expect(answer.get('iss')).toBe(server.issuer);
    answer.set('iss', 'https://other.example.com');
    expect(await one.finish('anthropic', answer)).toBe(false);
    expect(server.state.tokenRequests).toEqual([]);
  });

  test('a person who refuses is no error of the service', async () => {
    const server = await authorizationServer();
    const { one, authDir, lines } = await threads({ anthropic: server.settings() });
    server.state.refuses = true;
    const { url, state } = await one.start('anthropic');
    const answer = await signInAt(url);
    expect(await one.finish('anthropic', answer)).toBe(false);
    expect(await one.status(state)).toEqual({ status: 'error', error: 'access_denied' });
    expect(lines.join()).toContain('the sign-in with anthropic failed: access_denied. Start another one');
    expect(() => readdirSync(authDir)).toThrow('ENOENT');
  });

  test('an answer of the provider is never repeated', async () => {
    const server = await authorizationServer();
    const { one, lines } = await threads({ anthropic: server.settings() });
    server.state.instead = (response) =>
      response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error": "<script>sk-secret"}');
    const { url, state } = await one.start('anthropic');
    expect(await one.finish('anthropic', await signInAt(url))).toBe(false);
    expect(await one.status(state)).toEqual({ status: 'error', error: 'unknown error' });
    expect(lines.join()).not.toContain('secret');
  });

  test('an access token that no header can carry is not kept', async () => {
    const server = await authorizationServer();
    const { one, authDir, lines } = await threads({ anthropic: server.settings() });
    server.state.instead = (response) =>
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ access_token: 'token-\u20ac', token_type: 'bearer', expires_in: 3_600 }));
    const { url, state } = await one.start('anthropic');
    expect(await one.finish('anthropic', await signInAt(url))).toBe(false);
    const error = 'the access token has a character that no header can carry';
    expect(await one.status(state)).toEqual({ status: 'error', error });
    expect(lines.join()).toContain(`the sign-in with anthropic failed: ${error}`);
    expect(() => readdirSync(authDir)).toThrow('ENOENT');
  });

  test('without TLS it asks only a provider on this machine', async () => {
    const server = await authorizationServer();
    const settings = { ...server.settings(), tokenUrl: 'http://192.0.2.1/token' };
    const { one } = await threads({ anthropic: settings });
    const { url, state } = await one.start('anthropic');
    expect(await one.finish('anthropic', await signInAt(url))).toBe(false);
    expect(await one.status(state)).toEqual({ status: 'error', error: 'OAUTH_HTTP_REQUEST_FORBIDDEN' });
  });

  test('the default callback is on the port of the gateway', async () => {
    const server = await authorizationServer();
    const { one } = await threads({ google: { ...server.settings(), redirectUrl: null } });
    const { searchParams } = new URL((await one.start('google')).url);
    expect(searchParams.get('redirect_uri')).toBe('http://localhost:8317/google/callback');
    expect(searchParams.get('access_type')).toBe('offline');
  });

  test('a provider that is not configured lacks these settings', async () => {
    const { current } = await threads({});
    expect(missingSettings(current, 'iflow')).toEqual([
      'oauth.iflow.client-id',
      'oauth.iflow.authorize-url',
      'oauth.iflow.token-url',
    ]);
  });
});

describe('the directory of token files', () => {
  test('belongs to this user alone', async () => {
    const { authDir, fileOf } = await signedIn();
    expect(statSync(authDir).mode & 0o777).toBe(0o700);
    expect(statSync(fileOf(FILE)).mode & 0o777).toBe(0o600);
    expect(readdirSync(authDir)).toEqual([FILE]);
  });

  test('rights of others are taken away', async () => {
    const { one, authDir, fileOf } = await threads({});
    mkdirSync(authDir, { mode: 0o755 });
    writeFileSync(fileOf('old.json'), '{"type": "claude", "access_token": "t"}', { mode: 0o644 });
    await one.authFiles.upload([{ name: 'new.json', content: Buffer.from('{}') }]);
    expect(statSync(authDir).mode & 0o777).toBe(0o700);
    expect(statSync(fileOf('old.json')).mode & 0o777).toBe(0o600);
  });

  test('that cannot be used does not stop the gateway, and the log says so once', async () => {
    const { one, authDir, lines } = await threads({});
    writeFileSync(authDir, 'a file');
    await one.begin();
    await one.begin();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`auth-dir ${authDir} cannot be used`);
    await expect(
      one.authFiles.upload([{ name: 'a.json', content: Buffer.from('{}') }]),
    ).rejects.toMatchObject({
      failure: { code: 'management_invalid', reason: 'directory' },
    });
  });

  test('a link is passed over, and replaced but not followed', async () => {
    const { one, authDir, fileOf } = await threads({});
    mkdirSync(authDir, { mode: 0o700 });
    const outside = join(temporaryDirectory(), 'outside.json');
    writeFileSync(outside, '{"type": "claude", "access_token": "of another program"}');
    symlinkSync(outside, fileOf('link.json'));
    await one.reload();
    expect(one.given.tokens).toEqual([]);
    expect(await one.authFiles.list()).toEqual([]);
    expect(await one.authFiles.read('link.json')).toBeUndefined();
    await one.authFiles.upload([{ name: 'link.json', content: Buffer.from('{"type": "codex"}') }]);
    expect(readFileSync(outside, 'utf8')).toContain('another program');
    expect(readFileSync(fileOf('link.json'), 'utf8')).toBe('{"type": "codex"}');
  });

  test('an uploaded file with a token serves its channel and prefix', async () => {
    const { one, pass, clock } = await threads({});
    const expired = new Date(clock.now() + 60_000).toISOString();
    const content = Buffer.from(JSON.stringify({ type: 'other', access_token: 'token-1', expired }));
    await one.authFiles.upload([{ name: 'a.json', content, channel: 'vertex', prefix: 'prod' }]);
    await one.notice();
    expect(one.given.tokens).toEqual([
      { protocol: 'gemini', name: 'a.json', accessToken: 'token-1', prefix: 'prod', baseUrl: null },
    ]);
    expect(await one.authFiles.read('a.json')).toEqual(content);
    pass(61);
    await one.refreshDue();
    expect(one.given.tokens).toEqual([]);
  });
});

/** An upload, and nothing else of it matters. */
const upload = (name: string, file: object, beside: { channel?: string; prefix?: string } = {}) => ({
  ...{ name, content: Buffer.from(JSON.stringify(file)) },
  ...beside,
});

const idToken = (claims: object) =>
  ['{}', JSON.stringify(claims), ''].map((part) => Buffer.from(part).toString('base64url')).join('.');

describe('the key of a service account', () => {
  const key = { type: 'service_account', client_email: 'a@b.example', private_key: 'a secret' };

  test.each<[string, object]>([
    ['alone', key],
    ['with a token beside it', { ...key, access_token: 'token-1' }],
    ['as CLI Proxy API keeps it', { type: 'vertex', service_account: key, access_token: 'token-1' }],
    ['without its type', { private_key: 'a secret', access_token: 'token-1' }],
  ])('is stored, and the log and the API say that it is not used: %s', async (_, file) => {
    const { one, two, lines } = await threads({});
    const { succeeded, unused } = await one.authFiles.upload([
      upload('sa.json', file, { channel: 'vertex', prefix: 'prod' }),
    ]);
    const reason = expect.stringContaining('it is the key of a service account');
    expect([succeeded, unused]).toEqual([['sa.json'], [{ name: 'sa.json', reason }]]);
    expect(await one.authFiles.list()).toMatchObject([{ unavailable: true, status_message: reason }]);
    await Promise.all([one.reload(), two.reload(), one.reload()]);
    expect(one.given.tokens).toEqual([]);
    expect(await one.sessions()).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('auth-dir has files that are not used: sa.json: it is the key of a service');
    expect(lines[0]).not.toContain('a secret');
  });
});

describe('two files', () => {
  const file = { type: 'claude', access_token: 'token-1', refresh_token: 'refresh-1' };

  test('with one token: the first is used, and the log and the API name the second', async () => {
    const { one, lines } = await threads({});
    await one.authFiles.upload([upload('a.json', file), upload('b.json', file)]);
    await one.reload();
    expect(one.given.tokens.map(({ name }) => name)).toEqual(['a.json']);
    const reason = 'it has the same token as a.json, which is used';
    const [a, b] = await one.authFiles.list();
    expect(a).not.toHaveProperty('unavailable');
    expect(b).toMatchObject({ name: 'b.json', unavailable: true, status_message: reason });
    expect(lines.join()).toContain(`b.json: ${reason}`);
  });

  test('with one token serve several prefixes', async () => {
    const { one, lines } = await threads({});
    await one.authFiles.upload([upload('a.json', file), upload('b.json', file, { prefix: 'prod' })]);
    await one.reload();
    expect(one.given.tokens.map(({ prefix }) => prefix)).toEqual([null, 'prod']);
    expect(lines).toEqual([]);
  });

  test('with one refresh token use it once, and both have the new tokens', async () => {
    const { server, one, two, pass, tokensIn, fileOf } = await signedIn();
    await one.authFiles.upload([upload('copy.json', tokensIn(FILE), { prefix: 'prod' })]);
    await two.reload();
    pass(3_600 - 60);
    await Promise.all([one.refreshDue(), two.refreshDue()]);
    await Promise.all([one.refreshDue(), two.refreshDue()]);
    expect(server.state.tokenRequests).toHaveLength(2);
    expect(tokensIn('copy.json')).toEqual(tokensIn(FILE));
    expect(statSync(fileOf('copy.json')).mode & 0o777).toBe(0o600);
    expect(one.given.tokens.map(({ prefix }) => prefix)).toEqual([null, 'prod']);
  });

  test('of one name: the log and the answer say that the second replaces the first', async () => {
    const { one, lines } = await threads({});
    await one.authFiles.upload([upload('a.json', file)]);
    const again = await one.authFiles.upload([upload('a.json', file), upload('b.json', {})]);
    expect([again.replaced, lines]).toEqual([[], []]);
    const other = await one.authFiles.upload([upload('a.json', { ...file, access_token: 'token-2' })]);
    expect(other).toMatchObject({ succeeded: ['a.json'], replaced: ['a.json'] });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(String(lines[0]))).toMatchObject({
      ...{ level: 'warn', files: ['a.json'] },
      msg: 'an upload has replaced files of the same name in auth-dir',
    });
  });
});

describe('two accounts with one name', () => {
  test('have a file each', async () => {
    const { one, authDir, tokensIn, fileOf, lines } = await signedIn();
    const first = {
      ...tokensIn(FILE),
      note: 'of the first',
      id_token: idToken({ email: 'ada@example.com', sub: 'other' }),
    };
    writeFileSync(fileOf(FILE), JSON.stringify(first), { mode: 0o600 });
    const signIn = async () =>
      expect(await one.finish('anthropic', await signInAt((await one.start('anthropic')).url))).toBe(true);
    await signIn();
    expect(tokensIn(FILE)).toEqual(first);
    const names = (await one.sessions()).map(({ name }) => name);
    expect(names).toEqual([expect.stringMatching(/^claude-ada@example\.com-[\da-f]{16}\.json$/), FILE]);
    expect(lines.filter((line) => line.includes(`${FILE} belongs to another account`))).toHaveLength(1);
    expect(tokensIn(String(names[0]))).not.toHaveProperty('note');
    // The second one signs in again.
    await signIn();
    expect(readdirSync(authDir)).toHaveLength(2);
  });

  test('an account that signs in again keeps its file, and what else is in it', async () => {
    const { one, tokensIn, fileOf } = await signedIn();
    writeFileSync(fileOf(FILE), JSON.stringify({ ...tokensIn(FILE), note: 'a' }), { mode: 0o600 });
    await one.finish('anthropic', await signInAt((await one.start('anthropic')).url));
    expect(await one.sessions()).toHaveLength(1);
    expect(tokensIn(FILE).note).toBe('a');
  });
});

describe('a token that no header can carry', () => {
  const content = (accessToken: string) => JSON.stringify({ type: 'claude', access_token: accessToken });

  test.each(['token-\u20ac', 'token-\u00e9', 'token\n', 'two words'])(
    'is not used: %j',
    async (accessToken) => {
      const { one, authDir, fileOf } = await threads({});
      mkdirSync(authDir, { mode: 0o700 });
      writeFileSync(fileOf('bad.json'), content(accessToken), { mode: 0o600 });
      writeFileSync(fileOf('good.json'), content('token-1'), { mode: 0o600 });
      await one.reload();
      expect(one.given.tokens).toMatchObject([{ name: 'good.json' }]);
      const upload = { name: 'good.json', content: Buffer.from(content(accessToken)) };
      expect(await one.authFiles.upload([upload])).toMatchObject({
        succeeded: [],
        failed: [
          { name: 'good.json', error: 'access_token must be printable ASCII characters without spaces' },
        ],
      });
      await one.reload();
      expect(one.given.tokens).toMatchObject([{ accessToken: 'token-1' }]);
    },
  );
});

describe('a session', () => {
  test('is refreshed before it expires, by one thread', async () => {
    const { server, one, two, tokensIn, pass } = await signedIn();
    const before = tokensIn(FILE);
    await Promise.all([one.refreshDue(), two.refreshDue()]);
    expect(server.state.tokenRequests).toHaveLength(1);
    pass(3_600 - 299);
    await Promise.all([one.refreshDue(), two.refreshDue(), one.refreshDue(), two.refreshDue()]);
    expect(server.state.tokenRequests).toHaveLength(2);
    const after = tokensIn(FILE);
    expect(after.access_token).not.toBe(before.access_token);
    expect(after.refresh_token).not.toBe(before.refresh_token);
    await Promise.all([one.notice(), two.notice()]);
    for (const { given } of [one, two]) expect(given.tokens[0]?.accessToken).toBe(after.access_token);
  });

  test('whose refresh is refused is expired, and the log says what to do', async () => {
    const { server, one, two, pass, lines, tokensIn } = await signedIn();
    server.state.instead = (response) =>
      response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error": "invalid_grant"}');
    pass(3_600 - 60);
    await one.refreshDue();
    await two.refreshDue();
    expect(server.state.tokenRequests).toHaveLength(2);
    for (const { given } of [one, two]) expect(given.tokens).toEqual([]);
    expect(await two.sessions()).toMatchObject([{ email: 'ada@example.com', status: 'expired' }]);
    const warning = lines.filter((line) => line.includes('"warn"'));
    expect(warning).toHaveLength(1);
    expect(warning[0]).toContain('sign in again with POST /v0/management/oauth/anthropic');
    expect(warning[0]).not.toContain(tokensIn(FILE).refresh_token);
    // Somebody signs in again.
    server.state.instead = undefined;
    await one.finish('anthropic', await signInAt((await two.start('anthropic')).url));
    expect(await two.sessions()).toMatchObject([{ status: 'active' }]);
    expect(one.given.tokens).toHaveLength(1);
  });

  test('that expired while the gateway was off is refreshed at its start', async () => {
    const { two, pass, server } = await signedIn();
    pass(3_600);
    await two.begin();
    await expect.poll(() => two.given.tokens.length).toBe(1);
    expect(server.state.tokenRequests).toHaveLength(2);
  });

  test('whose provider is not reachable is tried again', async () => {
    const { server, one, pass, lines, tokensIn } = await signedIn();
    const before = tokensIn(FILE);
    server.state.instead = (response) => response.writeHead(503).end('busy');
    pass(3_600 - 60);
    await one.refreshDue();
    await one.refreshDue();
    expect(lines.filter((line) => line.includes('could not be refreshed yet'))).toHaveLength(1);
    expect(one.given.tokens).toHaveLength(1);
    server.state.instead = undefined;
    await one.refreshDue();
    expect(tokensIn(FILE).access_token).not.toBe(before.access_token);
  });

  test('a thread that died while it refreshed holds the others up for a minute', async () => {
    const { server, one, two, pass } = await signedIn();
    pass(3_600 - 290);
    server.state.waitFor = new Promise(() => undefined);
    void one.refreshDue();
    await expect.poll(() => server.state.tokenRequests.length).toBe(2);
    server.state.waitFor = Promise.resolve();
    await two.refreshDue();
    expect(server.state.tokenRequests).toHaveLength(2);
    pass(61);
    await two.refreshDue();
    expect(server.state.tokenRequests).toHaveLength(3);
  });

  test('ends on every thread', async () => {
    const { one, two, authDir } = await signedIn();
    await two.notice();
    const [session] = await one.sessions();
    expect(session).toEqual({
      id: expect.stringMatching(/^[\da-f]{16}$/),
      provider: 'anthropic',
      name: FILE,
      email: 'ada@example.com',
      prefix: null,
      status: 'active',
      expires_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect(await one.endSession('0000000000000000')).toBeUndefined();
    expect(await one.endSession(String(session?.id))).toBe(FILE);
    expect(readdirSync(authDir)).toEqual([]);
    await two.notice();
    for (const { given } of [one, two]) expect(given.tokens).toEqual([]);
  });

  test('that ends while it is refreshed stays ended', async () => {
    const { server, one, two, pass, authDir } = await signedIn();
    const [session] = await one.sessions();
    pass(3_600 - 60);
    let answer = () => {};
    server.state.waitFor = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const refreshing = one.refreshDue();
    await expect.poll(() => server.state.tokenRequests.length).toBe(2);
    await two.endSession(String(session?.id));
    answer();
    await refreshing;
    expect(readdirSync(authDir)).toEqual([]);
  });

  test('of somebody who signs in again while it is refreshed has the newer tokens', async () => {
    const { server, one, two, pass, tokensIn } = await signedIn();
    pass(3_600 - 60);
    let answer = () => {};
    server.state.waitFor = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const refreshing = one.refreshDue();
    await expect.poll(() => server.state.tokenRequests.length).toBe(2);
    server.state.waitFor = Promise.resolve();
    await two.finish('anthropic', await signInAt((await two.start('anthropic')).url));
    const newer = tokensIn(FILE);
    answer();
    await refreshing;
    expect(tokensIn(FILE)).toEqual(newer);
  });

  test('that another thread has refreshed is not refreshed again', async () => {
    const { server, refresher, directory, pass } = await signedIn();
    pass(3_600 - 60);
    const { sessions: old } = await readSessions(directory);
    await refresher.refreshDue(old);
    await refresher.refreshDue(old);
    expect(server.state.tokenRequests).toHaveLength(2);
  });

  test('no token is in the log or in a list', async () => {
    const { one, tokensIn, lines } = await signedIn();
    const { access_token, refresh_token, id_token } = tokensIn(FILE);
    const shown = JSON.stringify([await one.sessions(), await one.authFiles.list(), lines]);
    for (const token of [access_token, refresh_token, id_token]) expect(shown).not.toContain(token);
  });
});

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Answer, Call, Send } from '../support/http.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { edits } from './edits.ts';
import { isInstalled, joinsLines, proxies, type ReverseProxy } from './proxies.ts';
import { type Stack, startStack } from './stack.ts';

const ATTEMPTS = 5;
const WRONG_KEY = 'a-wrong-key-that-nobody-has-0123456789';

const withKey = (key: string, more: Record<string, string> = {}) => ({
  path: '/',
  headers: { 'X-API-Key': key, ...more },
});

async function lockOut(send: Send): Promise<void> {
  for (let i = 0; i < ATTEMPTS; i++) expect((await send(withKey(WRONG_KEY))).status).toBe(401);
}

describe.each(proxies.filter(isInstalled))('$name', proveProxy);

describe.skip.each(proxies.filter((proxy) => !isInstalled(proxy)))(
  '$name is not installed: not tested here',
  proveProxy,
);

function proveProxy(proxy: ReverseProxy): void {
  const { answers, tellsWhy } = proxy;
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack(proxy);
    return () => stack.close();
  });

  /** Expects that the answer is a refusal and that the service behind has not been asked. */
  async function expectRefused(send: Send, call: Call, status: number): Promise<Answer> {
    const before = stack.passed();
    const answer = await send(call);
    expect({ status: answer.status, passed: stack.passed() - before }).toEqual({ status, passed: 0 });
    return answer;
  }

  test.each([
    ['X-Proxbox-API-Key', FIRST_KEY],
    ['X-API-Key', FIRST_KEY],
    ['Authorization', `Bearer ${FIRST_KEY}`],
  ])(
    'lets a good key in %s pass, and sends the name of the key on in place of the key',
    async (header, value) => {
      const answer = await stack.newClient()({ path: '/some/path?q=1', headers: { [header]: value } });
      expect(answer).toMatchObject({ status: 200, json: { method: 'GET', url: '/some/path?q=1' } });
      expect(answer.json.headers).toMatchObject({
        'x-keyhearth-key-id': '1',
        'x-keyhearth-label': 'first',
        'x-keyhearth-scopes': '*',
      });
      expect(answer.json.headers['x-keyhearth-owner'] ?? '').toBe('');
      expect(answer.text).not.toContain(FIRST_KEY);
    },
  );

  test('refuses a wrong key and no key with 401 and a challenge', async () => {
    const send = stack.newClient();
    for (const call of [withKey(WRONG_KEY), { path: '/' }]) {
      const answer = await expectRefused(send, call, 401);
      expect(answer.headers['www-authenticate']).toContain('Bearer realm="keyhearth"');
      if (tellsWhy) expect(answer.json.detail).toContain('4 attempts remaining.');
    }
  });

  test(`answers a locked address with ${answers.locked}, also with a good key, and when to come back`, async () => {
    const send = stack.newClient();
    await lockOut(send);
    const answer = await expectRefused(send, withKey(FIRST_KEY), answers.locked);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(250);
    if (tellsWhy) expect(answer.json.code).toBe('too_many_failed_attempts');
  });

  test('answers a key that has reached a rate limit with 429, and when to come back', async () => {
    const body = { rate_limits: [{ name: 'hour', limit: 1, window: '1h' }] };
    const made = { method: 'POST', path: '/auth/keys', key: FIRST_KEY, body };
    const { raw_key } = (await stack.keyhearth.send(made)).json;
    const send = stack.newClient();
    expect((await send(withKey(raw_key))).status).toBe(200);
    const answer = await expectRefused(send, withKey(raw_key), 429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(3_500);
    if (!tellsWhy) return;
    expect(answer.json.code).toBe('rate_limited');
    expect(answer.headers.ratelimit).toMatch(/^"hour";r=0;t=3\d\d\d$/);
  });

  test('locks two clients out one by one', async () => {
    const [guessing, other] = [stack.newClient(), stack.newClient()];
    await lockOut(guessing);
    expect((await guessing(withKey(FIRST_KEY))).status).toBe(answers.locked);
    expect((await other(withKey(FIRST_KEY))).status).toBe(200);
  });

  test.each(['X-Forwarded-For', 'X_Forwarded_For', 'Forwarded', 'X-Real-IP'])(
    'believes nothing that a client writes into %s',
    async (header) => {
      const [send, other] = [stack.newClient(), stack.newClient()];
      for (let i = 0; i < ATTEMPTS; i++) {
        expect((await send(withKey(WRONG_KEY, { [header]: `198.51.100.${i}` }))).status).toBe(401);
      }
      const spoofed = withKey(FIRST_KEY, { [header]: '203.0.113.9', Connection: `close, ${header}` });
      await expectRefused(send, spoofed, answers.locked);
      const answer = await other(spoofed);
      expect(answer.status).toBe(200);
      expect(answer.json.headers['x-forwarded-for']).toMatch(/^127\.0\.0\.\d+$/);
      if (/^X.Forwarded/.test(header)) {
        const { text } = await other(withKey(FIRST_KEY, { [header]: '203.0.113.9' }));
        expect(text).not.toContain('203.0.113.9');
      }
    },
  );

  test('passes no identity on that a client has made up, nor lets it remove the true one', async () => {
    const answer = await stack.newClient()(
      withKey(FIRST_KEY, {
        'X-Keyhearth-Key-Id': 'made-up',
        'x-keyhearth-label': 'made-up',
        'X-Keyhearth-Owner': 'made-up',
        'X-Keyhearth-Scopes': 'made-up',
        X_Keyhearth_Scopes: 'made-up',
        X_Keyhearth_Key_Id: 'made-up',
        'X-Keyhearth_Key-Id': 'made-up',
        'X.Keyhearth.Key.Id': 'made-up',
        // nginx can be given whole names of headers only, not how they begin.
        ...(proxy.name !== 'nginx' && {
          'X-Keyhearth-Something': 'made-up',
          'X--Keyhearth-Key-Id': 'made-up',
          'XKEYHEARTH-KEY-ID': 'made-up',
        }),
        Connection: 'close, X-Keyhearth-Key-Id, X-Keyhearth-Label, X-Keyhearth-Scopes',
      }),
    );
    expect(answer.status).toBe(200);
    expect(answer.json.headers).toMatchObject({
      'x-keyhearth-key-id': '1',
      'x-keyhearth-label': 'first',
      'x-keyhearth-scopes': '*',
    });
    expect(answer.json.headers['x-keyhearth-owner'] ?? '').toBe('');
    expect(answer.text).not.toContain('made-up');
    // The next server would drop what the header lists.
    expect(answer.json.headers.connection ?? '').not.toContain('eyhearth');
  });

  test('tells the service the owner and the scopes of the key', async () => {
    const body = { owner: 'größe', scopes: ['invoices:read', 'orders:*'] };
    const created = await stack.keyhearth.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body });
    const answer = await stack.newClient()(withKey(created.json.raw_key));
    expect(answer.json.headers).toMatchObject({
      'x-keyhearth-owner': 'gr%C3%B6%C3%9Fe',
      'x-keyhearth-scopes': 'invoices:read orders:*',
    });
  });

  test('a key without a label has none, whatever the client says', async () => {
    const created = await stack.keyhearth.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
    const answer = await stack.newClient()(
      withKey(created.json.raw_key, { 'X-Keyhearth-Label': 'made-up', X_Keyhearth_Label: 'made-up' }),
    );
    expect(answer.json.headers['x-keyhearth-key-id']).toBe(String(created.json.id));
    expect(answer.json.headers['x-keyhearth-label'] ?? '').toBe('');
    expect(answer.text).not.toContain('made-up');
  });

  test('lets nothing in that pretends to have been let in', async () => {
    const pretending = {
      'X-Keyhearth-Key-Id': '1',
      'X-Original-URI': '/health',
      'X-Original-URL': '/health',
      'X-Original-Method': 'OPTIONS',
      'X-Forwarded-Uri': '/health',
      'X-Rewrite-URL': '/health',
      'X-HTTP-Method-Override': 'OPTIONS',
    };
    const send = stack.newClient();
    for (const path of ['/', '/health', '/.keyhearth', '/auth/verify', '/?deny=403', '//', '/..;/']) {
      const { status } = await send({ path, headers: pretending });
      expect({ path, status }).toEqual({ path, status: path === '/.keyhearth' && !tellsWhy ? 404 : 401 });
    }
  });

  test('refuses two different keys', async () => {
    const headers = { 'X-API-Key': FIRST_KEY, 'X-Proxbox-API-Key': WRONG_KEY };
    await expectRefused(stack.newClient(), { path: '/', headers }, answers.conflicting);
  });

  test.runIf(joinsLines(proxy))('refuses two different keys in two lines of one header', async () => {
    const headers = { 'X-API-Key': [FIRST_KEY, WRONG_KEY] };
    await expectRefused(stack.newClient(), { path: '/', headers }, answers.conflicting);
  });

  test('passes the key on, if the operator so chooses, and then no other key beside it', async () => {
    const open = await startStack(proxy, edits.showKey[proxy.name]);
    onTestFinished(() => open.close());
    const send = open.newClient();
    for (const headers of [
      { 'x-proxbox-api-key': FIRST_KEY },
      { 'x-api-key': FIRST_KEY },
      { authorization: `Bearer ${FIRST_KEY}` },
    ]) {
      const answer = await send({ path: '/', headers });
      expect(answer.json.headers).toMatchObject({ ...headers, 'x-keyhearth-key-id': '1' });
    }
    const { text } = await send({
      path: '/',
      headers: { 'X-API-Key': [FIRST_KEY, WRONG_KEY], X_API_Key: WRONG_KEY },
    });
    expect(text).not.toContain(WRONG_KEY);
    expect(open.passed()).toBe(joinsLines(proxy) ? 3 : 4);
  });

  test('refuses a revoked key from the next request on', async () => {
    const admin = stack.keyhearth.send;
    const { json } = await admin({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
    const send = stack.newClient();
    for (let round = 0; round < 3; round++) {
      expect((await send(withKey(json.raw_key))).status).toBe(200);
      await admin({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
      await expectRefused(send, withKey(json.raw_key), 401);
      await admin({ method: 'POST', path: `/auth/keys/${json.id}/activate`, key: FIRST_KEY });
    }
  });

  test.each(['POST', 'PUT', 'PATCH'])('passes a %s with its body whole', async (method) => {
    const body = 'a body of some length. '.repeat(3_000);
    for (const framing of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      const answer = await stack.newClient()({ method, ...withKey(FIRST_KEY, framing), body });
      expect(answer).toMatchObject({ status: 200, json: { method } });
      expect(answer.json.body === body).toBe(true);
      await expectRefused(stack.newClient(), { method, path: '/', headers: framing, body }, 401);
    }
  });

  test('knows good from bad whatever else a request asks for', async () => {
    const send = stack.newClient();
    const odd = {
      Range: 'bytes=0-0',
      'If-None-Match': '*',
      'If-Modified-Since': new Date().toUTCString(),
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      'Accept-Encoding': 'gzip',
      Cookie: `padding=${'x'.repeat(6_000)}`,
    };
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect((await send({ method, ...withKey(FIRST_KEY, odd) })).status).toBe(200);
      await expectRefused(send, { method, path: '/', headers: odd }, 401);
    }
  });

  test('lets nobody pass when Keyhearth is killed', async () => {
    const mortal = await startStack(proxy);
    onTestFinished(() => mortal.close());
    const send = mortal.newClient();
    expect((await send(withKey(FIRST_KEY))).status).toBe(200);
    await mortal.keyhearth.end();
    const refusals = await Promise.all([FIRST_KEY, WRONG_KEY].map((key) => send(withKey(key))));
    expect(refusals.map(({ status }) => status)).toEqual([answers.unavailable, answers.unavailable]);
    expect(mortal.passed()).toBe(1);
  });
}

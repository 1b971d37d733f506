import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { hostCheck } from '../../src/http/allowed-host.ts';
import { client } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, type Running, service } from '../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';
const REBOUND = 'page.example:8800';

const withHost = (host: string, call: { method?: string; path: string; key?: string; body?: object }) => ({
  ...call,
  headers: { Host: host },
});

describe('a request from this machine', () => {
  const check = hostCheck({ allowedHosts: ['keys.example'], ownName: 'Box.lan', isTrusted: () => false });

  test.each([
    ...[
      'localhost',
      'LOCALHOST:8800',
      'localhost.',
      '127.0.0.1',
      '127.0.0.1:8800',
      '192.168.1.5',
      '[::1]:8800',
    ],
    ...['box.lan', 'BOX.lan:80', 'keys.example', 'keys.example:443'],
  ])('may name %s', (host) => {
    for (const peer of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(check(peer, host)).toBe(true);
  });

  test.each([
    ...[
      'page.example',
      'page.example:8800',
      'localhost.page.example',
      'xlocalhost',
      'other.keys.example',
      '',
    ],
    ...[
      'box',
      '127.0.0.1.page.example',
      '[::1].page.example',
      '[page.example]',
      'localhost:80:80',
      'localhost..',
    ],
  ])('may not name %j', (host) => {
    for (const peer of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(check(peer, host)).toBe(false);
  });
});

describe('a request from elsewhere, or from a trusted proxy,', () => {
  const rules = { ownName: 'box', isTrusted: (peer: string) => peer === '127.0.0.1' };

  test('may name any host, unless there is a list', () => {
    const check = hostCheck({ ...rules, allowedHosts: [] });
    for (const peer of ['127.0.0.1', '10.0.0.1']) expect(check(peer, 'anything.example')).toBe(true);
    expect(check('::1', 'anything.example')).toBe(false);
  });

  test('must name a host of the list', () => {
    const check = hostCheck({ ...rules, allowedHosts: ['keys.example', '10.0.0.9'] });
    for (const peer of ['127.0.0.1', '10.0.0.1']) {
      for (const host of ['keys.example', 'Keys.Example:80', '10.0.0.9:8800'])
        expect(check(peer, host)).toBe(true);
      for (const host of ['localhost', 'box', '10.0.0.8', '']) expect(check(peer, host)).toBe(false);
    }
  });
});

async function expectMisdirected({ send }: Running, call: Parameters<typeof withHost>[1]): Promise<void> {
  const answer = await send(withHost(REBOUND, call));
  expect(answer).toMatchObject({
    status: 421,
    json: { code: 'misdirected_request', hint: expect.stringContaining('KEYHEARTH_ALLOWED_HOSTS') },
  });
  expect(answer.text).not.toContain('page.example');
}

describe('a page that points its own name at this machine', () => {
  test('cannot register the first key', async () => {
    const running = await service();
    const body = { api_key: 'the-key-of-a-page-0123456789-0123456789' };
    await expectMisdirected(running, { method: 'POST', path: '/auth/register-key', body });
    expect((await running.send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(true);
  });

  test('cannot guess, nor lock this machine out', async () => {
    const running = await bootstrapped();
    for (let i = 0; i < 7; i++) {
      await expectMisdirected(running, { path: '/auth/verify', key: WRONG });
      await expectMisdirected(running, { path: '/auth/keys', key: WRONG });
    }
    const answer = await running.send({ path: '/auth/verify', key: WRONG });
    expect(answer.json.detail).toBe('Invalid API key. 4 attempts remaining.');
  });

  test.each(['/', '/health', '/docs', '/openapi.json', '/auth/keys', '/auth/verify', '/nothing'])(
    'gets nothing from %s, even with a valid key',
    async (path) => expectMisdirected(await bootstrapped(), { path, key: FIRST_KEY }),
  );

  test('gets a 403 where a proxy asked for it, with the same code', async () => {
    const { send } = await bootstrapped();
    const answer = await send(withHost(REBOUND, { path: '/auth/verify?deny=403', key: FIRST_KEY }));
    expect(answer).toMatchObject({ status: 403, json: { status: 403, code: 'misdirected_request' } });
  });
});

test.each(['localhost', hostname(), '127.0.0.1'])('Host %s of this machine is served', async (host) => {
  const { send } = await bootstrapped();
  expect((await send(withHost(host, { path: '/auth/verify', key: FIRST_KEY }))).status).toBe(200);
});

test('KEYHEARTH_ALLOWED_HOSTS names the hosts that a trusted proxy may pass on', async () => {
  const { origin } = await bootstrapped({
    env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.2', KEYHEARTH_ALLOWED_HOSTS: 'keys.example, other.example' },
  });
  const proxy = client(origin, '127.0.0.2');
  const statusOf = async (host: string) =>
    (await proxy(withHost(host, { path: '/auth/verify', key: FIRST_KEY }))).status;
  expect(await statusOf('keys.example')).toBe(200);
  expect(await statusOf('OTHER.example:8800')).toBe(200);
  expect(await statusOf('page.example')).toBe(421);
});

import { describe, expect, test } from 'vitest';
import type { Credential } from '../../src/upstreams/credential.ts';
import { leadsAway, requestHeaders, responseHeaders } from '../../src/upstreams/headers.ts';

const SECRET = 'upstream-secret';

const upstream = (protocol: Credential['protocol'], isToken = false): Credential => ({
  ...{
    protocol,
    name: 'a',
    prefix: null,
    origin: 'https://a.example',
    basePath: '',
    secret: SECRET,
    isToken,
  },
});

const object = (list: readonly string[]) =>
  Object.fromEntries(Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]));

const sent = (headers: Record<string, string>, credential = upstream('openai')) =>
  object(requestHeaders(headers, credential));

describe('an upstream gets', () => {
  test.each([
    ['openai', false, { authorization: `Bearer ${SECRET}` }],
    ['codex', false, { authorization: `Bearer ${SECRET}` }],
    ['claude', false, { 'x-api-key': SECRET }],
    ['gemini', false, { 'x-goog-api-key': SECRET }],
    ['amp', false, { authorization: `Bearer ${SECRET}`, 'x-api-key': SECRET }],
    ['gemini', true, { authorization: `Bearer ${SECRET}` }],
    ['claude', true, { authorization: `Bearer ${SECRET}`, 'anthropic-beta': 'oauth-2025-04-20' }],
  ] as const)('%s, token: %s: the credential in its own header', (protocol, isToken, expected) => {
    const client = { authorization: 'Bearer client', 'x-api-key': 'client', 'x-goog-api-key': 'client' };
    expect(sent(client, upstream(protocol, isToken))).toEqual({ ...expected, 'accept-encoding': 'identity' });
  });

  test('what the client says to it', () => {
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'x/1',
      'anthropic-version': '1',
      'x-stainless-lang': 'js',
    };
    expect(sent(headers)).toMatchObject(headers);
  });

  test('the betas that the client asks for, and the one for tokens', () => {
    const headers = sent({ 'anthropic-beta': 'a,b' }, upstream('claude', true));
    expect(headers['anthropic-beta']).toBe('a,b,oauth-2025-04-20');
  });

  test.each([
    ...[
      'connection',
      'keep-alive',
      'proxy-authorization',
      'proxy-connection',
      'te',
      'trailer',
      'transfer-encoding',
    ],
    ...['upgrade', 'host', 'content-length', 'expect', 'cookie', 'x-proxbox-api-key', 'x-management-key'],
    ...['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-real-ip', 'origin', 'referer'],
    ...['sec-fetch-site', 'x-keyhearth-key-id'],
  ])('no %s', (name) => {
    expect(sent({ [name]: 'x' })).not.toHaveProperty(name);
  });

  test('nothing that Connection names', () => {
    const headers = sent({
      connection: 'close, X-Secret , x-other',
      'x-secret': '1',
      'x-other': '2',
      'x-third': '3',
    });
    expect(headers).toMatchObject({ 'x-third': '3' });
    expect(headers).not.toHaveProperty('x-secret');
    expect(headers).not.toHaveProperty('x-other');
  });
});

describe('a client gets', () => {
  const INERT = [
    'X-Content-Type-Options',
    'nosniff',
    'Content-Security-Policy',
    "sandbox; default-src 'none'",
  ];

  const returned = (headers: Record<string, string | string[]>, basePath = '') => {
    const list = responseHeaders(headers, { ...upstream('openai'), basePath });
    expect(list.slice(0, 4)).toEqual(INERT);
    return list.slice(4);
  };

  test('what the upstream says to it', () => {
    expect(
      returned({ 'content-type': 'text/event-stream', 'x-request-id': 'a', warning: ['1', '2'] }),
    ).toEqual([
      ...['content-type', 'text/event-stream', 'x-request-id', 'a', 'warning', '1', 'warning', '2'],
    ]);
  });

  test.each([
    ...['connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'proxy-authenticate'],
    ...[
      'set-cookie',
      'alt-svc',
      'strict-transport-security',
      'access-control-allow-origin',
      'clear-site-data',
    ],
    ...['x-keyhearth-key-id', 'www-authenticate', 'service-worker-allowed', 'refresh'],
    ...['x-content-type-options', 'content-security-policy', 'content-security-policy-report-only'],
  ])('no %s', (name) => {
    expect(returned({ [name]: 'x' })).toEqual([]);
  });

  test.each([
    ['https://a.example/v1/x?a=b', '/v1/x?a=b'],
    ['/v1/x', '/v1/x'],
    ['https://b.example/v1/x', undefined],
    ['http://a.example/v1/x', undefined],
    ['https://a.example:444/v1/x', undefined],
    ['https://a.example@b.example/', undefined],
    ['//b.example/v1/x', undefined],
    ['/\\b.example/v1/x', undefined],
    ['\\\\b.example/v1/x', undefined],
    ['https://a.example//b.example/v1/x', undefined],
    ['x', undefined],
    ['javascript:alert(1)', undefined],
    ['https://', undefined],
  ])('Location %j as %j', (location, expected) => {
    expect(returned({ location })).toEqual(expected === undefined ? [] : ['location', expected]);
    expect(leadsAway(307, { location }, upstream('openai'))).toBe(expected === undefined);
    expect(returned({ location }, '/base')).toEqual([]);
  });

  test('an answer that is no redirect, or has no Location', () => {
    expect(leadsAway(201, { location: 'https://b.example' }, upstream('openai'))).toBe(false);
    expect(leadsAway(304, {}, upstream('openai'))).toBe(false);
  });

  test('nothing that Connection names, and nothing that shows the credential', () => {
    const headers = {
      connection: 'x-hop',
      'x-hop': '1',
      'x-echo': `Bearer ${SECRET}`,
      location: `/a?key=${SECRET}`,
    };
    expect(returned({ ...headers, 'x-end': '1' })).toEqual(['x-end', '1']);
  });
});

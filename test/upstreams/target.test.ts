import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ofConfigured } from '../../src/upstreams/credential.ts';
import { modelInPath, parseTarget, upstreamPath, withoutPrefix } from '../../src/upstreams/target.ts';
import { credential } from '../support/client-api.ts';

describe('a target that is passed on', () => {
  test.each([
    ['/v1/chat/completions', '/v1/chat/completions', ''],
    ['/v1/files/file-abc?limit=1&after=x', '/v1/files/file-abc', '?limit=1&after=x'],
    [
      '/v1beta/models/gemini:streamGenerateContent?alt=sse&key=secret',
      '/v1beta/models/gemini:streamGenerateContent',
      '?alt=sse',
    ],
    ['/v1/x?key=a&b=1&auth_token=c', '/v1/x', '?b=1'],
    ['/v1/x?k%65y=a&%61uth_token=b', '/v1/x', ''],
    ['/v1/x?monkey=a&keys=b', '/v1/x', '?monkey=a&keys=b'],
    ['/v1/x?a=%2e%2e%2f', '/v1/x', '?a=%2e%2e%2f'],
    ['/v1/x?', '/v1/x', ''],
    ['/v1/x/', '/v1/x/', ''],
    ['/v1/a%20b', '/v1/a%20b', ''],
    ['/v1/a..b/.c', '/v1/a..b/.c', ''],
    ['/v1beta/models/team-a%2Fgemini:countTokens', '/v1beta/models/team-a/gemini:countTokens', ''],
    ['/v1/models/or%2fmeta%2Fllama', '/v1/models/or/meta/llama', ''],
  ])('%s', (url, path, query) => {
    expect(parseTarget(url)).toEqual({ path, query });
  });
});

/** Each of them, as it is, with letters in upper case, and in the path of a model. */
const TRICKS = [
  '/v1/../v0/management/config',
  '/v1/./x',
  '/v1/..',
  '/v1/x/..',
  '/v1/%2e%2e/v0/management',
  '/v1/.%2e/x',
  '/v1/..;/x',
  '/v1/..;a=b/x',
  '/v1/%2e/x',
  '/v1/a%2fb',
  '/v1/a%5cb',
  '/v1/a\\b',
  '/v1//x',
  '/v1/x//',
  '//v1/x',
  '/v1/%252e%252e/x',
  '/v1/%00',
  '/v1/a%0d%0ax',
  '/v1/a%7f',
  '/v1/a%zz',
  '/v1/a%2',
  '/v1/a b',
  '/v1/a\tb',
  '/v1/\u00e9',
  '/v1/x#y',
  '/v1/x?a#b',
  '/v1/x?a b',
  '/v1/x?\u00e9',
  '/v1/x?a\r\nb',
  'http://example.com/v1/x',
  '*',
  '',
  '/v1beta/models/..%2f..%2fv0:x',
  '/v1beta/models/a%2F%2Fb:x',
  '/v1beta/models/a%2F..%2Fb:x',
];

test.each(TRICKS)('%s is refused', (url) => {
  expect(parseTarget(url)).toBeUndefined();
  expect(parseTarget(url.replaceAll(/%[\da-f]{2}/gi, (text) => text.toUpperCase()))).toBeUndefined();
});

test('a target that passes names the same path for every reader', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    'a',
    '%',
    '%2e',
    '%2F',
    '%5C',
    '\\',
    ';',
    '?',
    '#',
    ':',
    'v1',
    ' ',
    '%25',
    '@',
    '//',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const url = `/v1/${pieces.join('')}`;
      const target = parseTarget(url);
      if (!target) return;
      const parsed = new URL(`http://upstream.example${target.path}${target.query}`);
      expect(parsed.pathname).toBe(target.path);
      // The bytes need not be UTF-8.
      const bytes = parsed.pathname.replaceAll(/%([\da-f]{2})/gi, (_, hex) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      expect(bytes).toMatch(/^(?:\/[^/\\]+)+\/?$/);
      expect(bytes.split('/')).not.toContain('..');
    }),
    { numRuns: 5_000 },
  );
});

const path = (protocol: 'openai' | 'claude' | 'gemini', baseUrl: string, url: string) => {
  const [parsed] = ofConfigured(credential({ protocol, baseUrl }));
  const target = parseTarget(url);
  return parsed && target && `${parsed.origin}${upstreamPath(parsed, target)}`;
};

test.each([
  ['openai', 'https://host.example', '/v1/x', 'https://host.example/v1/x'],
  ['openai', 'https://host.example/', '/v1/x', 'https://host.example/v1/x'],
  ['openai', 'https://host.example/v1', '/v1/x?a=b', 'https://host.example/v1/x?a=b'],
  [
    'openai',
    'https://host.example/api/v1/',
    '/v1/chat/completions',
    'https://host.example/api/v1/chat/completions',
  ],
  ['openai', 'https://host.example/paas/v4', '/v1/x', 'https://host.example/paas/v4/x'],
  ['openai', 'https://host.example/v1beta/openai', '/v1/x', 'https://host.example/v1beta/openai/x'],
  ['claude', 'https://host.example/v1/proxy', '/v1/messages', 'https://host.example/v1/proxy/v1/messages'],
  ['gemini', 'https://host.example/v1beta', '/v1beta/models', 'https://host.example/v1beta/models'],
  ['gemini', 'https://host.example', '/v1beta/models', 'https://host.example/v1beta/models'],
] as const)('%s at %s: %s becomes %s', (protocol, baseUrl, url, expected) => {
  expect(path(protocol, baseUrl, url)).toBe(expected);
});

test.each([
  'ftp://host.example',
  'file:///etc/passwd',
  'unix:/run/docker.sock',
  'host.example',
  '',
  'https://user:secret@host.example',
  'https://host.example?a=b',
  'https://host.example#a',
  'http://2852039166',
  'http://2852039166//169.254.169.254',
  'http://0xa9.0xfe.0xa9.0xfe',
  'http://[::ffff:169.254.169.254]',
])('%s is no base URL', (baseUrl) => {
  expect(ofConfigured(credential({ baseUrl }))).toEqual([]);
});

test.each(['http://169.254.169.254/latest', 'http://127.0.0.1:8080', 'http://[fe80::1]'])(
  '%s is a base URL, because the operator has written the address',
  (baseUrl) => {
    expect(ofConfigured(credential({ baseUrl }))).toHaveLength(1);
  },
);

test('the model in a path, and the path without its prefix', () => {
  expect(modelInPath('/v1beta/models/a/b:generateContent')).toBe('a/b');
  expect(modelInPath('/v1/models/a:generateContent')).toBe('a');
  expect(modelInPath('/v1beta/models')).toBeUndefined();
  expect(modelInPath('/v1beta/files/a')).toBeUndefined();
  expect(withoutPrefix('/v1beta/models/a/a/b:x', 'a')).toBe('/v1beta/models/a/b:x');
});

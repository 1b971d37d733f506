import { describe, expect, test } from 'vitest';
import { maskedConfig, maskedFields } from '../../src/gateway-file/mask.ts';

const MASK = '********';
const KEY = 'client-key-0123456789';

describe('the file without its secrets', () => {
  test.each<[string, string, unknown]>([
    ['an unknown URL', 'proxy-url: //user:SECRETpa/ss@proxy', { 'proxy-url': MASK }],
    ['a known URL', 'ampcode: { upstream-url: "//user:SE@CR/ET@host/a b@c" }', /"\/\/\*{8}@host\/a b@c"/],
    ['an unknown name', 'passwd: SECRET\napi-key-2: SECRET\nother: SECRET', /^((?!SECRET).)*$/],
    ['an unknown number', 'passwd: 123456\nretries: 3', { passwd: MASK, retries: 3 }],
    ['a deep unknown field', 'payload: { a: [{ b: SECRET }], n: 1, on: true, none: "" }', /^((?!SECRET).)*$/],
    ['an unknown field of an item', 'claude-api-key: [{ headers: { a: SECRET } }]', /^((?!SECRET).)*$/],
    ['keys of clients at another place', `other: { api-keys: [${KEY}] }`, { other: { 'api-keys': [MASK] } }],
    ['a list that is text', 'claude-api-key: SECRET\napi-keys: SECRET', /^((?!SECRET).)*$/],
    ['text that is a list', 'host: [SECRET]\nport: SECRET', { host: [MASK], port: MASK }],
    ['fields in a list of keys', 'api-keys: [{ api-key: SECRET }]', { 'api-keys': [{ 'api-key': MASK }] }],
  ])('%s is hidden', (_, text, expected) => {
    const shown = maskedConfig(text);
    if (expected instanceof RegExp) expect(JSON.stringify(shown)).toMatch(expected);
    else expect(shown).toEqual(expected);
    expect(JSON.stringify(shown)).not.toContain('SECRET');
  });

  test('shows what an operator needs', () => {
    const fields = {
      host: '127.0.0.1',
      port: 8317,
      tls: { enable: true, cert: '/cert.pem', key: '/key.pem' },
      'api-keys': [KEY],
      'ws-auth': false,
      debug: true,
      'request-retry': 3,
      'remote-management': { 'secret-key': '', 'panel-github-repository': 'https://example.com/panel' },
      ampcode: { 'upstream-url': 'https://example.com', 'upstream-api-keys': [{ 'api-keys': [KEY] }] },
      'openai-compatibility': [{ name: 'other', prefix: 'o', 'base-url': 'https://example.com/v1' }],
      oauth: { codex: { 'client-id': 'id', 'token-url': 'https://example.com/token', scopes: ['openid'] } },
    };
    expect(maskedFields(fields)).toEqual(fields);
  });

  test('hides each secret of the schema', () => {
    const entry = [{ 'api-key': 'SECRET' }];
    const fields = {
      'remote-management': { 'secret-key': 'SECRET' },
      ampcode: { 'upstream-api-key': 'SECRET', 'upstream-api-keys': [{ 'upstream-api-key': 'SECRET' }] },
      ...{ 'gemini-api-key': entry, 'claude-api-key': entry, 'codex-api-key': entry },
      'openai-compatibility': [{ 'api-key-entries': entry }],
      oauth: { codex: { 'client-secret': 'SECRET' } },
    };
    expect(JSON.stringify(maskedFields(fields))).toBe(JSON.stringify(fields).replaceAll('SECRET', MASK));
  });
});

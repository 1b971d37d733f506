import { describe, expect, test } from 'vitest';
import { changedFields, mask, maskSecrets } from '../../../src/apis/management/shown.ts';

const LONG = 'sk-ant-0123456789abcdef';

describe('the configuration for the control panel', () => {
  test('masks every secret except the keys of clients', () => {
    const masked = maskSecrets({
      'api-keys': ['team-a-key-abc123'],
      'proxy-url': 'socks5://user:pass@127.0.0.1:1080/',
      'remote-management': { 'secret-key': LONG, 'allow-remote': false },
      'claude-api-key': [{ 'api-key': LONG, prefix: 'p', headers: { 'X-Custom': LONG } }],
      'openai-compatibility': [{ name: 'o', 'api-key-entries': [{ 'api-key': 'short' }, { 'api-key': '' }] }],
      ampcode: {
        'upstream-api-key': LONG,
        'upstream-api-keys': [{ 'upstream-api-key': LONG, 'api-keys': ['team-a-key-abc123'] }],
      },
      oauth: {
        google: { 'client-id': 'id', 'client-secret': LONG, 'token-url': 'https://example.com/token' },
      },
      tls: { enable: true, cert: '/cert.pem', key: '/key.pem' },
      unknown: { password: 12_345, 'access-token': LONG },
    });
    expect(JSON.stringify(masked)).not.toMatch(/sk-ant-01|user:pass|12345|short/);
    expect(masked).toMatchObject({
      'api-keys': ['team-a-key-abc123'],
      'proxy-url': 'socks5://***@127.0.0.1:1080/',
      'remote-management': { 'secret-key': 'sk-a...ef', 'allow-remote': false },
      'openai-compatibility': [{ 'api-key-entries': [{ 'api-key': '***' }, { 'api-key': '' }] }],
      ampcode: { 'upstream-api-keys': [{ 'api-keys': ['team-a-key-abc123'] }] },
      oauth: { google: { 'client-id': 'id', 'token-url': 'https://example.com/token' } },
      tls: { cert: '/cert.pem', key: '/key.pem' },
    });
  });

  test('hides a short secret as a whole', () => {
    expect(mask('0123456789abcde')).toBe('***');
    expect(mask('0123456789abcdef')).toBe('0123...ef');
  });
});

describe('an audit event', () => {
  test('says which items of a list came and went, with hints of keys', () => {
    const before = {
      'api-keys': ['first-key-of-the-file-0123456789abcdef', 'b'.repeat(32)],
      'ws-auth': true,
    };
    const after = { 'api-keys': ['b'.repeat(32), 'c'.repeat(40)], 'ws-auth': false };
    expect(changedFields(before, after)).toEqual({
      'api-keys': { from: ['first-key-of'], to: ['cccccccccccc'] },
      'ws-auth': { from: true, to: false },
    });
  });

  test('says that a secret changed, also when both look the same', () => {
    const [before, after] = ['sk-ant-AAAAAAAAAAAAef', 'sk-ant-BBBBBBBBBBBBef'];
    expect(
      changedFields(
        { 'claude-api-key': [{ 'api-key': before }] },
        { 'claude-api-key': [{ 'api-key': after }] },
      ),
    ).toEqual({ 'claude-api-key': { from: [{ 'api-key': 'sk-a...ef' }], to: [{ 'api-key': 'sk-a...ef' }] } });
  });

  test('stays short when a list is long', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `key-number-${i}`);
    const { 'api-keys': change } = changedFields({}, { 'api-keys': keys });
    expect(change?.to).toHaveLength(21);
    expect(change?.to).toContain('and 9980 more');
  });

  test('has nothing when nothing changed', () => {
    expect(changedFields({ a: [1], b: { c: 2 } }, { a: [1], b: { c: 2 } })).toEqual({});
  });
});

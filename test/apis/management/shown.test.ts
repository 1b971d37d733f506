import { describe, expect, test } from 'vitest';
import { changedFields } from '../../../src/apis/management/shown.ts';

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
    ).toEqual({ 'claude-api-key': { from: [{ 'api-key': '********' }], to: [{ 'api-key': '********' }] } });
  });

  test('has no key of a client that stands deeper', () => {
    const after = {
      ampcode: { 'upstream-api-keys': [{ 'upstream-api-key': 'amp-key', 'api-keys': ['c'.repeat(40)] }] },
    };
    expect(changedFields({}, after)).toEqual({
      ampcode: {
        from: null,
        to: { 'upstream-api-keys': [{ 'upstream-api-key': '********', 'api-keys': ['cccccccccccc'] }] },
      },
    });
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

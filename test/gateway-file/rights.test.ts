import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isOpenToOthers } from '../../src/gateway-file/rights.ts';
import { KEY_A, KEY_B, processWithFile, withKeys } from './live-file.ts';

const isWarning = (message: string) => message.includes('chmod 600');

test.each([
  [0o600, 0],
  [0o640, 0],
  [0o660, 0],
  [0o644, 1],
  [0o602, 1],
])('a file of ours with mode %o: %d warnings, by all threads', async (mode, warnings) => {
  const file = processWithFile(withKeys(KEY_A));
  chmodSync(file.path, mode);
  await Promise.all([1, 2, 3].map(() => file.thread()));
  expect(file.messages().filter(isWarning)).toEqual(
    Array(warnings).fill(
      `the file of the gateway: Other users have rights to it, and it has secrets; run: chmod 600 ${file.path}`,
    ),
  );
});

test('a change of the mode is a warning at the next reload, once', async () => {
  const file = processWithFile(withKeys(KEY_A));
  chmodSync(file.path, 0o600);
  const live = await file.thread();
  chmodSync(file.path, 0o644);
  await live.reload();
  expect(file.messages().filter(isWarning)).toHaveLength(1);
  await live.edit((document) => document.addIn(['api-keys'], KEY_B));
  expect(file.messages().filter(isWarning)).toHaveLength(1);
});

test.each([
  ['of root, mounted for our group', 0o440, 0, false],
  ['of root that our group can change', 0o460, 0, true],
  ['of another user', 0o640, 2_000, true],
  ['of another user, for nobody else', 0o600, 2_000, false],
])('a file %s', (_, mode, uid, isOpen) => {
  expect(isOpenToOthers({ mode, uid }, 1_000)).toBe(isOpen);
});

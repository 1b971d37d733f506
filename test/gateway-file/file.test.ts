import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readGatewayFile, replaceGatewayFile } from '../../src/gateway-file/file.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { isRoot } from '../support/root.ts';

const MODULE = join(import.meta.dirname, '../../src/gateway-file/file.ts');
/** A user without rights to the files of others. */
const NOBODY = 65_534;

describe('reading', () => {
  test.each([
    [
      'a directory',
      (path: string) => path,
      'The file cannot be read (EISDIR); correct its path, its owner or its rights.',
    ],
    [
      'a missing file',
      (path: string) => join(path, 'missing'),
      'The file cannot be read (ENOENT); correct its path, its owner or its rights.',
    ],
    [
      'a large file',
      (path: string) => fileOf(path, Buffer.alloc(1024 * 1024 + 1)),
      'The file is larger than 1 MiB.',
    ],
    [
      'another encoding',
      (path: string) => fileOf(path, Buffer.from([0xff, 0xfe, 0x41])),
      'The file is not UTF-8.',
    ],
  ])('%s is a problem', (_, pathIn, sentence) => {
    expect(readGatewayFile(pathIn(temporaryDirectory()))).toMatchObject({ sentence });
  });

  test('a device without an end is too large, and one without a size is read', () => {
    expect(readGatewayFile('/dev/zero')).toMatchObject({ sentence: 'The file is larger than 1 MiB.' });
    expect(readGatewayFile('/proc/self/status')).toMatchObject({ text: expect.stringContaining('Name:') });
  });
});

function fileOf(directory: string, bytes: Buffer): string {
  const path = join(directory, 'config.yaml');
  writeFileSync(path, bytes);
  return path;
}

test('a file that has other bytes is left alone', () => {
  const path = fileOf(temporaryDirectory(), Buffer.from('theirs'));
  expect(() => replaceGatewayFile(path, Buffer.from('ours'), 'new')).toThrow('gateway_config_changed');
  expect(readFileSync(path, 'utf8')).toBe('theirs');
});

/** Root may do everything, so another user does it. */
const canTry =
  isRoot &&
  spawnSync(process.execPath, ['-e', `require('node:fs').accessSync(${JSON.stringify(MODULE)})`], {
    uid: NOBODY,
    cwd: '/',
  }).status === 0;

describe.skipIf(!canTry)('as another user', () => {
  function replaceAsNobody(path: string, expected: string, text: string) {
    const script = `
      const { replaceGatewayFile } = await import(${JSON.stringify(MODULE)});
      try { replaceGatewayFile(${JSON.stringify(path)}, Buffer.from(${JSON.stringify(expected)}), ${JSON.stringify(text)}); }
      catch ({ failure, message }) { console.log(JSON.stringify(failure ?? message)); }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      ...{ uid: NOBODY, gid: NOBODY, encoding: 'utf8', cwd: '/' },
    });
    return stdout.trim() || stderr;
  }

  test('a file in a directory that is not writable is written in place, also a shorter text', () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const path = fileOf(directory, Buffer.from('a long text'));
    chownSync(path, NOBODY, NOBODY);
    const { ino } = statSync(path);
    expect(replaceAsNobody(path, 'a long text', 'short')).toBe('');
    expect(readFileSync(path, 'utf8')).toBe('short');
    expect(statSync(path).ino).toBe(ino);
    expect(replaceAsNobody(path, 'other', 'never')).toBe('{"code":"gateway_config_changed"}');
    expect(readFileSync(path, 'utf8')).toBe('short');
  });

  test('the file of another owner stays theirs', () => {
    const directory = temporaryDirectory();
    chownSync(directory, NOBODY, NOBODY);
    const path = fileOf(directory, Buffer.from('old'));
    chmodSync(path, 0o666);
    expect(replaceAsNobody(path, 'old', 'new')).toBe('');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path)).toMatchObject({ uid: 0, mode: 0o100666 });
    expect(readdirSync(directory)).toEqual(['config.yaml']);
  });

  test('a file that is not writable is a failure that says why', () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const path = fileOf(directory, Buffer.from('old'));
    chmodSync(path, 0o644);
    expect(replaceAsNobody(path, 'old', 'new')).toBe('{"code":"gateway_config_unwritable","error":"EACCES"}');
  });
});

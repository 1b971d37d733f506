import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/cli/connection.ts';
import type { GlobalOptions } from '../../src/cli/context.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { keyhearth } from './command.ts';
import { sharedService } from './service.ts';

const { home, service } = sharedService();

/** Each test has a home of its own. */
function person() {
  const directory = mkdtempSync(join(home, 'person-'));
  const file = join(directory, '.config/keyhearth/profiles.json');
  return {
    file,
    run: (args: readonly string[], input?: string, env = {}) =>
      keyhearth(args, { env: { HOME: directory, ...env }, ...(input !== undefined && { input }) }),
  };
}

describe('the key comes', () => {
  const list = () => ['keys', 'list', '--url', service().origin];

  test('from the environment, a file or standard input', async () => {
    const { run } = person();
    const keyFile = join(home, 'key');
    writeFileSync(keyFile, `${FIRST_KEY}\n`, { mode: 0o600 });
    expect(await run(list(), undefined, { KEYHEARTH_KEY: FIRST_KEY })).toMatchObject({ code: 0 });
    expect(await run([...list(), '--key-file', keyFile])).toMatchObject({ code: 0 });
    expect(await run([...list(), '--key-file', '-'], `${FIRST_KEY}\n`)).toMatchObject({ code: 0 });
    chmodSync(keyFile, 0o644);
    const open = await run([...list(), '--key-file', keyFile]);
    expect(open).toMatchObject({ code: 1, stderr: expect.stringContaining(`run: chmod 600 ${keyFile}`) });
    const missing = await run([...list(), '--key-file', join(home, 'none')]);
    expect(missing).toMatchObject({ code: 4, stderr: expect.stringContaining('There is no file') });
  });

  test('from nowhere: no request, and a sentence that says what to do', async () => {
    const { code, stderr } = await person().run(list());
    expect(code).toBe(2);
    expect(stderr).toMatch(/^keyhearth: There is no key for .*KEYHEARTH_KEY, use --key-file/);
  });

  test('never in a message, when it cannot be one', async () => {
    const { code, stderr } = await person().run(list(), undefined, { KEYHEARTH_KEY: 'geheim geheim' });
    expect(code).toBe(2);
    expect(stderr).not.toContain('geheim');
  });
});

describe('a profile', () => {
  const url = () => service().origin;

  test('is saved with mode 0600, used, listed without its key, and removed', async () => {
    const { run, file } = person();
    const set = ['profiles', 'set', 'default', '--url', url(), '--key-file', '-'];
    expect(await run(set, FIRST_KEY)).toMatchObject({ code: 0, stdout: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    expect(await run(['keys', 'list'])).toMatchObject({ code: 0, stderr: '' });
    expect(await run(['keys', 'list', '--profile', 'other'])).toMatchObject({ code: 2 });
    expect(await run(['profiles', 'set', 'default', '--url', url()])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('has a key, which would be lost') },
    });
    expect(await run(['keys', 'list'])).toMatchObject({ code: 0 });

    const listed = await run(['profiles', 'list', '--json']);
    expect(JSON.parse(listed.stdout)).toEqual([{ name: 'default', url: `${url()}/`, has_key: true }]);
    expect(listed.stdout).not.toContain(FIRST_KEY);
    expect(await run(['profiles', 'remove', 'default'])).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toBe('{}\n');
  });

  test('says where it leads, and whether it has a key', async () => {
    const { run } = person();
    const set = ['profiles', 'set', 'other', '--url'];
    expect(await run([...set, 'https://keys.example.com'])).toMatchObject({
      stderr:
        'Saved the profile other for https://keys.example.com/, without a key: set KEYHEARTH_KEY, or use --key-file.\n',
    });
    expect(await run([...set, url()], undefined, { KEYHEARTH_KEY: FIRST_KEY })).toMatchObject({
      stderr: `Saved the profile other for ${url()}/, with its key.\n`,
    });
  });

  test('is not needed beside a URL and a key, and otherwise an unreadable file is named', async () => {
    const { run, file } = person();
    mkdirSync(join(file, '..'), { recursive: true });
    // Nobody can read a link to itself, and that holds for root too.
    symlinkSync('closed', join(file, '../closed'));
    const env = { XDG_CONFIG_HOME: join(file, '../closed') };
    const given = { ...env, KEYHEARTH_URL: url(), KEYHEARTH_KEY: FIRST_KEY };
    expect(await run(['keys', 'list'], undefined, given)).toMatchObject({ code: 0, stderr: '' });
    for (const args of [
      ['keys', 'list'],
      ['profiles', 'list'],
      ['profiles', 'set', 'x', '--url', url()],
    ]) {
      const { code, stderr } = await run(args, undefined, env);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^keyhearth: Cannot read \/.*profiles\.json \(ELOOP\); check HOME and[^\n]+\n$/);
    }
    const { code } = await run(['keys', 'list', '--profile', 'x'], undefined, given);
    expect(code).toBe(2);
  });

  test('is missing where the home directory is a file, and cannot be saved there', async () => {
    const { run } = person();
    const env = { HOME: '/dev/null' };
    expect(await run(['profiles', 'list', '--json'], undefined, env)).toMatchObject({
      code: 0,
      stdout: '[]\n',
    });
    const set = await run(['profiles', 'set', 'x', '--url', url()], undefined, env);
    expect(set).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^keyhearth: Cannot make .*ENOTDIR/),
    });
  });

  test('gives its key to its own URL alone', async () => {
    const { run } = person();
    await run(
      ['profiles', 'set', 'default', '--url', 'https://keys.example.com', '--key-file', '-'],
      FIRST_KEY,
    );
    for (const [args, env] of [
      [['keys', 'list', '--url', url()], {}],
      [['keys', 'list'], { KEYHEARTH_URL: url() }],
    ] as const) {
      const { code, stderr } = await run(args, undefined, env);
      expect(code).toBe(2);
      expect(stderr).toContain(
        `There is no key for ${url()}/ (the profile is for https://keys.example.com/)`,
      );
    }
  });

  test.each<[string, (file: string) => void, RegExp]>([
    ['others can read', (file) => chmodSync(file, 0o640), /run: chmod 600/],
    ['is no JSON', (file) => writeFileSync(file, '{"geheim'), /has another form/],
    ['has another form', (file) => writeFileSync(file, '{"default": {"key": "geheim"}}'), /has another form/],
  ])('is refused in a file that %s', async (_, spoil, sentence) => {
    const { run, file } = person();
    await run(['profiles', 'set', 'default', '--url', url(), '--key-file', '-'], FIRST_KEY);
    spoil(file);
    const { code, stderr } = await run(['keys', 'list']);
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('geheim');
  });

  test('is refused in a file that is a link', async () => {
    const { run, file } = person();
    mkdirSync(join(file, '..'), { recursive: true });
    symlinkSync('/etc/hostname', file);
    expect(await run(['keys', 'list'])).toMatchObject({ code: 2 });
  });
});

describe('a key over plain HTTP', () => {
  async function warningsFor(url: string, options: GlobalOptions = {}) {
    const warnings: string[] = [];
    const input = {
      isTerminal: false,
      readAll: async () => '',
      chunks: async function* () {},
      ask: async () => '',
    };
    const env = { HOME: '/nonexistent', KEYHEARTH_KEY: FIRST_KEY };
    await connect({ env, input, options: { url, ...options }, warn: (text) => warnings.push(text) });
    return warnings;
  }

  test.each([
    'http://192.0.2.1:8800',
    'http://keys.example.com',
    'http://127.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://[2001:db8::1]',
  ])('to %s gets a warning', async (url) => {
    expect(await warningsFor(url)).toEqual([
      expect.stringMatching(/^Warning: your key goes to .* without encryption/),
    ]);
  });

  test.each([
    'http://127.0.0.1:8800',
    'http://127.1.2.3',
    'http://localhost:8800',
    'http://[::1]:8800',
    'https://keys.example.com',
  ])('to %s gets none, or there is TLS', async (url) => {
    expect(await warningsFor(url)).toEqual([]);
  });

  test.each(['ftp://keys.example.com', 'keys.example.com', 'http://user:geheim@127.0.0.1'])(
    '%s is refused',
    async (url) => {
      await expect(warningsFor(url)).rejects.toThrow(/^The URL must be/);
    },
  );
});

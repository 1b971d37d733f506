import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { BIN } from './command.ts';
import { sharedService } from './service.ts';

const { run, json, service } = sharedService();

const isValid = async (key: string) => (await service().send({ path: '/auth/verify', key })).status === 200;

test('the life of a key: the raw key is alone on standard output, once', async () => {
  const created = await run([
    ...['keys', 'create', '--label', 'backup', '--scope', 'invoices:read', '--scope', 'invoices:write'],
    ...['--expires-in', '90d', '--allow-ip', '127.0.0.0/8', '--rate-limit', 'burst=100/1m'],
    ...['--metadata', '{"team": "billing"}', '--owner', 'ada@example.com', '--prefix', 'inv'],
  ]);
  expect(created.code).toBe(0);
  const rawKey = created.stdout.trim();
  expect(created.stdout).toMatch(/^inv_\w+\n$/);
  expect(created.stderr).toMatch(
    /^Created the key \d+ with the scopes: invoices:read invoices:write\. Store/,
  );
  expect(created.stderr).not.toContain(rawKey);
  expect(await isValid(rawKey)).toBe(true);
  const id = Number(/key (\d+)/.exec(created.stderr)?.[1]);

  const key = await json('keys', 'show', String(id));
  expect(key).toMatchObject({
    label: 'backup',
    owner: 'ada@example.com',
    allowed_ips: ['127.0.0.0/8'],
    rate_limits: [{ name: 'burst', limit: 100 }],
    metadata: { team: 'billing' },
  });
  expect(key.expires_at).not.toBeNull();

  const changes = ['--label', 'new', '--no-expiry', '--any-ip', '--no-rate-limits', '--no-scopes'];
  const dated = await json('keys', 'update', String(id), '--expires-at', '2099-01-31');
  expect(dated.expires_at).toBe(Date.UTC(2099, 0, 31) / 1_000);
  const later = await json('keys', 'update', String(id), '--expires-at', '4102444800');
  expect(later.expires_at).toBe(4_102_444_800);
  expect(await json('keys', 'update', String(id), ...changes)).toMatchObject({
    ...{ label: 'new', owner: 'ada@example.com', expires_at: null },
    ...{ allowed_ips: [], rate_limits: [], scopes: [] },
  });

  const off = await run(['keys', 'deactivate', String(id)]);
  expect(off.stdout).toMatch(/^Status +inactive$/m);
  expect(await isValid(rawKey)).toBe(false);
  expect(await json('keys', 'activate', String(id))).toMatchObject({ status: 'active' });

  const rotated = await run(['keys', 'rotate', String(id), '--grace', '1h']);
  expect(rotated.stderr).toContain(`replaces the key ${id}, which stays valid for 1h`);
  expect(await isValid(rotated.stdout.trim())).toBe(true);
  expect(await isValid(rawKey)).toBe(true);

  expect(await run(['keys', 'delete', String(id)])).toMatchObject({
    code: 2,
    stderr: 'keyhearth: Nobody can answer the question; repeat the command with --yes.\n',
  });
  expect(await isValid(rawKey)).toBe(true);
  expect(await json('keys', 'delete', String(id), '--yes')).toEqual({ id });
  expect(await isValid(rawKey)).toBe(false);
});

describe('a secret that cannot be written', () => {
  const broken = Object.assign(new Error('write'), { code: 'EPIPE' });

  test.each([[], ['--json']])(
    'of create and rotate: what exists now, and what to do (%s)',
    async (...json) => {
      const stderrOf = async (...args: string[]) => {
        const ended = await run(['keys', ...args, ...json], { broken });
        expect(ended).toMatchObject({ code: 1, stdout: '' });
        return ended.stderr;
      };
      const created = await stderrOf('create', '--scope', 'a:b');
      expect(created).toMatch(
        /^keyhearth: Standard output cannot be written \(EPIPE\)\. The key (\d+) exists, and nobody has it\. Delete it with: keyhearth keys delete \1\n$/,
      );
      const id = /key (\d+)/.exec(created)?.[1] ?? '';
      const rotated = await stderrOf('rotate', id);
      expect(rotated.replace(`replaces the key ${id},`, '')).toMatch(
        /The key (\d+) {2}which is invalid now, and nobody has the new one\. Replace it with: keyhearth keys rotate \1\n$/,
      );
    },
  );

  test('of recover, by a process whose disk is full', async () => {
    const { dataDir } = service();
    const command = '"$0" "$1" recover > /dev/full';
    const child = spawn('sh', ['-c', command, process.execPath, BIN], {
      env: { PATH: process.env.PATH, KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_BCRYPT_COST: '10' },
    });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^keyhearth: Standard output cannot be written \(ENOSPC\)\. The key (\d+) exists, and nobody has it\. Run recover again, and delete the lost key with: keyhearth keys delete \1\n$/,
    );
    await json('keys', 'delete', /\d+$/.exec(stderr.trim())?.[0] ?? '', '--yes');
  });
});

describe('a list', () => {
  test('is a table without colours, and an array for scripts', async () => {
    await json('keys', 'create', '--label', 'one of two', '--scope', 'a:b');
    const { raw_key } = await json('keys', 'create', '--label', 'two of two', '--scope', 'a:b');
    const { stdout, stderr } = await run(['keys', 'list', '--label', 'of two']);
    expect(stderr).toBe('');
    expect(stdout.replaceAll(/ +/g, ' ').split('\n')).toEqual([
      'ID LABEL STATUS SCOPES EXPIRES LAST USED OWNER HINT',
      expect.stringMatching(/^\d+ two of two active a:b never never kh_\w+$/),
      expect.stringMatching(/^\d+ one of two active a:b never never kh_\w+$/),
      '',
    ]);
    expect(stdout).not.toContain(raw_key);
    const listed = await json('keys', 'list', '--label', 'of two', '--sort', 'created_at');
    expect(listed.map(({ label }: { label: string }) => label)).toEqual(['one of two', 'two of two']);
  });

  test('says when there is more', async () => {
    const all = await json('keys', 'list', '--all');
    const some = await run(['keys', 'list', '--limit', '1', '--json']);
    expect(JSON.parse(some.stdout)).toEqual([all[0]]);
    expect(some.stderr).toBe('There are more keys than these 1; use --all or --limit.\n');
  });
});

describe('the exit code says why a command failed', () => {
  test.each<[number, string, string[], Record<string, string>?]>([
    [2, 'whole number', ['keys', 'show', 'x']],
    [2, 'nothing to change', ['keys', 'update', '1']],
    [2, 'not both', ['keys', 'update', '1', '--scope', 'a', '--no-scopes']],
    [2, 'keyhearth: --scope must be', ['keys', 'create', '--scope', 'A B']],
    [2, '--rate-limit (window) must be', ['keys', 'create', '--rate-limit', 'a=1/1x']],
    [2, '--expires-at must be a time', ['keys', 'create', '--expires-at', 'tomorrow']],
    [2, 'must have a unit', ['keys', 'create', '--expires-in', '90']],
    [2, 'must have a unit', ['keys', 'rotate', '1', '--grace', '5']],
    [
      2,
      '--expires-in or --expires-at',
      ['keys', 'create', '--expires-in', '9d', '--expires-at', '2099-01-01'],
    ],
    [2, '--expires-in or --no-expiry', ['keys', 'update', '1', '--expires-in', '9d', '--no-expiry']],
    [2, '--top must be', ['usage', '--top', '100000']],
    [2, 'The argument <email> must be', ['accounts', 'invite', 'x']],
    [3, 'invalid_api_key', ['keys', 'list'], { KEYHEARTH_KEY: 'a-key-that-does-not-exist-0123456789' }],
    [4, 'There is no key 999999 at http://127.0.0.1:', ['keys', 'show', '999999']],
    [4, 'There is no key 999999 at http://127.0.0.1:', ['keys', 'delete', '999999', '--yes']],
    [5, 'last_active_api_key_required', ['keys', 'deactivate', '1']],
    [
      6,
      'cannot be reached at http://127.0.0.1:2/ (ECONNREFUSED)',
      ['keys', 'list', '--url', 'http://127.0.0.1:2'],
    ],
  ])('%i: %s', async (code, sentence, args, env = {}) => {
    const ended = await run(args, { env });
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(/^keyhearth: /);
    expect(ended.stderr).toContain(sentence);
    expect(ended.stderr).not.toMatch(/ {4}at |a-key-that/);
    if (code === 3) await service().send({ path: '/auth/verify', key: FIRST_KEY });
  });
});

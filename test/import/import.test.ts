import { createHash } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keyhearth } from '../cli/command.ts';
import { declaring } from '../support/declared-keys.ts';
import {
  bootstrapped,
  databaseFor,
  FIRST_KEY,
  type Running,
  register,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { runImport } from './command.ts';
import { HASHED, htpasswdHash, proxboxDatabase, python, pythonDatabase } from './proxbox-database.ts';

const KEY = 'a-secret-key-of-another-system-0123456789';
const OTHER = 'one-more-key-of-another-system-0123456789';
const BCRYPT = HASHED[0];

async function started({ isClaimed = true } = {}) {
  const dataDir = temporaryDirectory();
  const running = await (isClaimed ? bootstrapped : service)({ dataDir });
  const folder = temporaryDirectory();
  return {
    ...running,
    dataDir,
    /** Writes a file. @returns its path */
    file(name: string, content: string): string {
      const path = join(folder, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    },
    folder,
    run: (...args: string[]) => runImport(dataDir, args),
    /** @returns the summary, or fails unless the exit code is as expected */
    async summary(args: string[], expected = 0) {
      const { code, stdout, stderr } = await runImport(dataDir, [...args, '--json']);
      expect({ code, stderr: code === expected ? '' : stderr }).toEqual({ code: expected, stderr: '' });
      return JSON.parse(stdout);
    },
  };
}

type Sender = Pick<Running, 'send'>;

const verify = async ({ send }: Sender, key: string) => (await send({ path: '/auth/verify', key })).status;
const listed = async ({ send }: Sender, query = 'source=imported', key = FIRST_KEY) =>
  (await send({ path: `/auth/keys?sort=created_at&${query}`, key })).json.keys;

const jsonl = (...lines: object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('keys of a file', () => {
  test('are valid at once, with their settings, while the service runs', async () => {
    const at = await started();
    const sha256 = createHash('sha256').update(OTHER).digest('hex');
    const file = at.file(
      'keys.jsonl',
      jsonl(
        {
          key: KEY,
          label: 'billing',
          scopes: ['invoices:read'],
          expires_at: '2100-01-01',
          metadata: { team: 1 },
        },
        { sha256, owner: 'ops', is_active: true, created_at: 1_600_000_000 },
        { bcrypt: BCRYPT.hash, label: 'slow once' },
        { key: `${KEY}-off`, is_active: false },
      ),
    );
    expect(await verify(at, KEY)).toBe(401);
    const summary = { imported: 4, already_there: 0, refused: 0, refusals: [], stopped: null };
    expect(await at.summary(['keys', file, '--dry-run'])).toMatchObject({ ...summary, dry_run: true });
    expect(await listed(at)).toEqual([]);
    expect(await at.summary(['keys', file])).toMatchObject({ ...summary, dry_run: false });
    for (const key of [KEY, OTHER, BCRYPT.key])
      expect({ key, status: await verify(at, key) }).toEqual({ key, status: 200 });
    expect(await verify(at, `${KEY}-off`)).toBe(401);
    expect(await listed(at)).toMatchObject([
      { created_at: 1_600_000_000, owner: 'ops', scopes: [] },
      {
        label: 'billing',
        scopes: ['invoices:read'],
        metadata: { team: 1 },
        source: 'imported',
        status: 'active',
      },
      { label: 'slow once' },
      { status: 'inactive' },
    ]);
  });

  test('get a bcrypt hash when they are used, so that they survive the loss of the pepper', async () => {
    const at = await started();
    await at.summary(['keys', at.file('keys.jsonl', jsonl({ key: KEY }, { key: OTHER }))]);
    const hashes = () => sqlIn(at.dataDir, "select hash from api_keys where source = 'imported' order by id");
    expect(await hashes()).toEqual([{ hash: '' }, { hash: '' }]);
    expect(await verify(at, KEY)).toBe(200);
    await expect.poll(hashes).toEqual([{ hash: expect.stringMatching(/^\$2b\$/) }, { hash: '' }]);
    await sqlIn(at.dataDir, "update api_keys set fingerprint = null where source = 'imported'");
    expect([await verify(at, KEY), await verify(at, OTHER)]).toEqual([200, 401]);
  });

  test('of bcrypt wait for their first use, 64 at most', async () => {
    const at = await started();
    const hashes = Array.from({ length: 66 }, (_, i) => `$2b$04$${String(i).padStart(53, '.')}`);
    const file = at.file('keys.jsonl', jsonl(...hashes.map((bcrypt) => ({ bcrypt })), { key: KEY }));
    const summary = await at.summary(['keys', file], 7);
    expect(summary).toMatchObject({
      imported: 65,
      refused: 2,
      refusals: [{ line: 65, field: 'bcrypt' }, { line: 66 }],
    });
    expect(await at.summary(['keys', file], 7)).toMatchObject({ imported: 0, already_there: 65, refused: 2 });
    await sqlIn(at.dataDir, "delete from api_keys where hash like '$2b$04$%' and source = 'imported'");
    expect(await at.summary(['keys', file])).toMatchObject({ imported: 2, already_there: 65 });
  });

  test('are imported once, and a deleted one does not come back', async () => {
    const at = await started();
    const file = at.file('keys.csv', `key,label\n${KEY},a\n${OTHER},b\n${KEY},c\n`);
    expect(await at.summary(['keys', file])).toMatchObject({ imported: 2, already_there: 1 });
    const [first] = await listed(at);
    await at.send({ method: 'DELETE', path: `/auth/keys/${first.id}`, key: FIRST_KEY });
    expect(await verify(at, KEY)).toBe(401);
    expect(await at.summary(['keys', file])).toMatchObject({ imported: 0, already_there: 3 });
    expect([await verify(at, KEY), await verify(at, OTHER)]).toEqual([401, 200]);

    // A secret that was replaced does not come back either.
    await sqlIn(
      at.dataDir,
      `update api_keys set fingerprint = '${'x'.repeat(43)}' where source = 'imported'`,
    );
    expect(await at.summary(['keys', file])).toMatchObject({ imported: 0, already_there: 3 });
    expect(await verify(at, OTHER)).toBe(401);
  });

  test('of digests that are gone do not come back after the pepper changed', async () => {
    const dataDir = temporaryDirectory();
    const running = await startService({ dataDir });
    await register(running.send);
    await running.close();
    const file = join(temporaryDirectory(), 'keys.jsonl');
    writeFileSync(file, jsonl({ sha256: '00'.repeat(32) }, { bcrypt: BCRYPT.hash }), { mode: 0o600 });
    const summary = async () => JSON.parse((await runImport(dataDir, ['keys', file, '--json'])).stdout);
    expect(await summary()).toMatchObject({ imported: 2 });
    await sqlIn(dataDir, "delete from api_keys where source = 'imported'");
    rmSync(join(dataDir, 'pepper'));
    const env = { KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) };
    expect(await keyhearth(['recover', '--pepper', '--yes'], { env })).toMatchObject({ code: 0 });
    expect(await summary()).toMatchObject({ imported: 0, already_there: 2 });
  });

  test('that are gone do not come back as digests while the pepper changes, nor after that', async () => {
    const dataDir = temporaryDirectory();
    const [before, after] = ['1', '2'].map((digit) => digit.repeat(64));
    const start = (env: Record<string, string>) => startService({ dataDir, env });
    const old = { KEYHEARTH_PEPPER: before ?? '' };
    const env = { KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)), ...old };
    const add = (fields: object) =>
      keyhearth(['import', 'keys', '-', '--format', 'jsonl', '--json'], { env, input: jsonl(fields) });
    const status = async ({ send }: Running) => (await send({ path: '/auth/verify', key: KEY })).status;

    const first = await start(old);
    await register(first.send);
    await add({ key: KEY });
    const [imported] = (await first.send({ path: '/auth/keys?source=imported', key: FIRST_KEY })).json.keys;
    await first.send({ method: 'DELETE', path: `/auth/keys/${imported.id}`, key: FIRST_KEY });
    const sha256 = createHash('sha256').update(KEY).digest('hex');
    expect(JSON.parse((await add({ sha256 })).stdout)).toMatchObject({ imported: 1 });
    await first.close();

    const during = await start({ KEYHEARTH_PEPPER: after ?? '', KEYHEARTH_PEPPER_PREVIOUS: before ?? '' });
    expect(await status(during)).toBe(401);
    const { json } = await during.send({ path: '/auth/audit?action=key.deactivated', key: FIRST_KEY });
    expect(json.events).toMatchObject([
      { actor: { kind: 'anonymous' }, changes: { is_active: { from: true, to: false } } },
    ]);
    await during.close();

    const last = await start({ KEYHEARTH_PEPPER: after ?? '' });
    expect(await status(last)).toBe(401);
    await last.close();
  });

  test('that are gone do not come back as digests, nor digests as keys', async () => {
    const at = await started();
    const digest = createHash('sha256').update(KEY).digest('hex');
    const others = createHash('sha256').update(OTHER).digest('hex');
    await at.summary(['keys', at.file('first.jsonl', jsonl({ key: KEY }, { sha256: others }))]);
    await sqlIn(at.dataDir, "delete from api_keys where source = 'imported'");
    const file = at.file('second.jsonl', jsonl({ sha256: digest }, { key: OTHER }));
    expect(await at.summary(['keys', file])).toMatchObject({ imported: 1, already_there: 1 });
    expect([await verify(at, KEY), await verify(at, OTHER)]).toEqual([401, 401]);
  });

  test('that were not used since the pepper changed are not imported twice', async () => {
    const at = await started();
    const file = at.file('keys.jsonl', jsonl({ key: KEY }, { key: OTHER }));
    await at.summary(['keys', file]);
    const [first, second] = await listed(at);
    await sqlIn(
      at.dataDir,
      `update database_identity set pepper_since = 8000000000000;
      update api_keys set fingerprint = null, hash = 'x', is_active = 0 where id = ${first.id};
      update api_keys set fingerprint = null where id = ${second.id};
      update api_keys set fingerprint = '${'x'.repeat(43)}' where id = ${second.id}`,
    );
    expect(await at.summary(['keys', file], 7)).toMatchObject({
      ...{ imported: 0, refused: 2 },
      refusals: [{ field: 'key', reason: expect.stringContaining('since the pepper changed') }, {}],
    });
  });

  test('that are refused are listed by their lines, and all others are imported', async () => {
    const at = await started();
    const file = at.file('keys.jsonl', `${jsonl({ key: KEY.slice(0, 9) })}no json\n${jsonl({ key: OTHER })}`);
    const { code, stdout, stderr } = await at.run('keys', file);
    expect({ code, stderr }).toEqual({ code: 7, stderr: 'keyhearth: Refused keys: 2\n' });
    expect(stdout.replaceAll(/ +/g, ' ')).toBe(
      [
        'IMPORTED ALREADY THERE REFUSED',
        '1 0 2',
        '',
        'LINE FIELD REASON',
        '1 key must have 32 to 512 characters',
        '2 - must be one whole JSON object in UTF-8',
        '',
      ].join('\n'),
    );
    expect(await verify(at, OTHER)).toBe(200);
  });

  test('that are refused in large numbers are counted by their reasons', async () => {
    const at = await started();
    const lines = Array.from({ length: 150 }, (_, i) => ({
      key: KEY + i,
      scopes: ['a', i % 3 === 0 ? 'B' : 'c', 'D'],
    }));
    const summary = await at.summary(['keys', at.file('keys.jsonl', jsonl(...lines))], 7);
    expect(summary.refusals).toHaveLength(100);
    expect(summary).toMatchObject({ refused: 150, reasons: [{ field: 'scopes', count: 150 }] });
  });

  test('before a mistake in the format are imported, and the rest is not read', async () => {
    const at = await started();
    const file = at.file('keys.csv', `key,label\n${KEY},a\n${OTHER},"b`);
    const { code, stdout, stderr } = await at.run('keys', file, '--json');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('Nothing behind it was read.'),
    });
    expect(JSON.parse(stdout)).toMatchObject({ imported: 1, stopped: expect.stringMatching(/^Line 3/) });
  });

  test('come from standard input too', async () => {
    const at = await started();
    const args = [
      'keys',
      '-',
      '--format',
      'jsonl',
      '--field',
      'key=secret',
      '--scope',
      'a:b',
      '--scope',
      'c',
    ];
    expect(await runImport(at.dataDir, args, jsonl({ secret: KEY }))).toMatchObject({ code: 0, stderr: '' });
    expect(await listed(at)).toMatchObject([{ scopes: ['a:b', 'c'] }]);
  });

  test('that have expired are counted, and the summary says that they are refused', async () => {
    const at = await started();
    const file = at.file('keys.jsonl', jsonl({ key: KEY, expires_at: '2020-01-01' }, { key: OTHER }));
    const { stderr } = await at.run('keys', file, '--dry-run');
    expect(stderr).toBe('1 of these keys would be refused, because they have expired.\n');
    expect(await at.summary(['keys', file])).toMatchObject({ imported: 2, expired: 1 });
    expect([await verify(at, KEY), await verify(at, OTHER)]).toEqual([401, 200]);
  });

  test('in a file that others can read cause a warning', async () => {
    const at = await started();
    const file = at.file('keys.jsonl', jsonl({ key: KEY }));
    chmodSync(file, 0o644);
    const { stderr } = await at.run('keys', file);
    expect(stderr).toMatch(/^Other users of this machine can read .*chmod 600/);
  });

  test.each([
    [2, 'Add --format', ['keys', import.meta.filename]],
    [4, 'There is no such file', ['keys', '/nonexistent']],
    [1, 'It is a directory', ['keys', '/tmp']],
    [4, 'There is no such file', ['keys', '/nonexistent.csv']],
    [1, 'It is a directory', ['keys', '/tmp', '--format', 'csv']],
    [2, 'OURS=THEIRS', ['keys', '-', '--format', 'csv', '--field', 'secret=key']],
    [2, '--scope must be * or parts', ['keys', '-', '--format', 'csv', '--scope', 'A']],
    [4, 'There is no such file', ['proxbox', '/nonexistent']],
    [4, 'There is no such file', ['cli-proxy', '/nonexistent']],
  ])('are refused as a whole with the exit code %i: %s', async (code, sentence, args) => {
    expect(await runImport('/nonexistent', args)).toMatchObject({
      code,
      stderr: expect.stringContaining(sentence),
    });
  });

  test('are in the audit log, which has no secret', async () => {
    const at = await started();
    await at.summary(['keys', at.file('keys.jsonl', jsonl({ key: KEY }, { bcrypt: BCRYPT.hash }))]);
    const { json } = await at.send({ path: '/auth/audit?limit=10', key: FIRST_KEY });
    expect(json.events[0]).toMatchObject({ actor: { kind: 'operator' }, address: null });
    const stored = JSON.stringify(await sqlIn(at.dataDir, 'select * from audit_events'));
    for (const secret of [KEY, BCRYPT.hash]) expect(stored).not.toContain(secret);
  });

  test('close the registration of the first key', async () => {
    const at = await started({ isClaimed: false });
    await at.summary(['keys', at.file('keys.jsonl', jsonl({ key: KEY }))]);
    const { json } = await at.send({ path: '/auth/bootstrap-status' });
    expect(json).toEqual({ needs_bootstrap: false, has_db_keys: true });
    expect(await verify(at, KEY)).toBe(200);
  });
});

describe('keys of proxbox-api', () => {
  const keys = HASHED.map(({ key }) => key);

  test('keep working, for ever by their fingerprints, and can do everything', async () => {
    const at = await started({ isClaimed: false });
    const file = join(at.folder, 'database.db');
    const running = proxboxDatabase(file, [
      ...HASHED.map(({ hash }) => ({ hash, label: 'netbox' })),
      { hash: HASHED[0].hash, isActive: false },
    ]);
    onTestFinished(() => void running.close());
    expect(await at.summary(['proxbox', file])).toMatchObject({ refused: 0 });
    for (const key of keys) expect(await verify(at, key)).toBe(200);
    const isProven = 'select count(*) as n from api_keys where fingerprint is not null';
    expect(await sqlIn(at.dataDir, isProven)).toEqual([{ n: 3 }]);
    for (const key of keys) expect(await verify(at, key)).toBe(200);
    expect(await listed(at, 'source=imported', keys[0])).toMatchObject([
      ...keys.map(() => ({ label: 'netbox', scopes: ['*'], created_at: 1_712_345_678.123 })),
    ]);
    const { json } = await at.send({ path: '/auth/bootstrap-status' });
    expect(json).toEqual({ needs_bootstrap: false, has_db_keys: true });
    expect(await at.summary(['proxbox', file])).toMatchObject({ imported: 0, refused: 0 });
  });

  test.skipIf(python === undefined)(
    'that Python has hashed keep working (skipped where the package bcrypt of Python is missing)',
    async () => {
      const at = await started({ isClaimed: false });
      const file = join(at.folder, 'database.db');
      pythonDatabase(file, keys);
      expect(await at.summary(['proxbox', file])).toMatchObject({ imported: 3, refused: 0 });
      for (const key of [...keys, ...keys]) expect(await verify(at, key)).toBe(200);
      expect(await verify(at, `${keys[2]}0`)).toBe(401);
    },
  );

  const byHtpasswd = htpasswdHash(KEY);
  test.skipIf(byHtpasswd === undefined)(
    'that htpasswd has hashed keep working (skipped where htpasswd is missing)',
    async () => {
      const at = await started();
      const file = join(at.folder, 'database.db');
      proxboxDatabase(file, [{ hash: byHtpasswd ?? '' }], { isOld: true }).close();
      expect(await at.summary(['proxbox', file])).toMatchObject({ imported: 1 });
      expect([await verify(at, KEY), await verify(at, KEY), await verify(at, OTHER)]).toEqual([
        200, 200, 401,
      ]);
    },
  );
});

describe('keys of CLI Proxy API', () => {
  const SHORT = 'team-b-key-def456';
  const yaml = (...keys: string[]) =>
    `api-keys:\n${keys.map((key) => `  - "${key}" # of ${key.slice(0, 3)}\n`).join('')}`;

  test.each(['', 'api_keys: [x]\n'])('that are not there are an error: %j', async (text) => {
    const at = await started();
    expect(await at.run('cli-proxy', at.file('config.yaml', text))).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('There are no keys in api-keys.') },
    });
  });

  test('become ordinary keys for the gateway', async () => {
    const at = await started();
    const file = at.file('config.yaml', yaml(KEY, SHORT));
    const { code, stderr } = await at.run('cli-proxy', file);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Line 3: the key has fewer than 32 characters.*\nThe api-keys of .* Keep one entry/,
    );
    expect(await listed(at)).toMatchObject([
      { label: 'of a-s', scopes: ['gateway:use'], source: 'imported' },
      { label: 'of tea', scopes: ['gateway:use'], hint: 'team' },
    ]);
    expect([await verify(at, KEY), await verify(at, SHORT)]).toEqual([200, 200]);
    expect(await at.summary(['cli-proxy', file])).toMatchObject({ imported: 0, already_there: 2 });
  });

  test('that a gateway declares take the claim when they become ordinary ones', async () => {
    const at = await started({ isClaimed: false });
    await (await declaring(at.dataDir))([KEY]);
    expect((await at.send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(true);
    const file = at.file('config.yaml', yaml(KEY));
    expect(await at.summary(['cli-proxy', file, '--dry-run'])).toMatchObject({ imported: 1 });
    expect((await at.send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(true);
    expect(await at.summary(['cli-proxy', file])).toMatchObject({ imported: 1 });
    expect((await at.send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(false);
    const again = await service({ dataDir: at.dataDir });
    expect(await verify(again, KEY)).toBe(200);
  });

  test('that a gateway declares keep their rows and settings, and the file no longer retires them', async () => {
    const at = await started();
    const declare = await declaring(at.dataDir);
    await declare([[KEY, 'before'], SHORT]);
    const [declared] = await listed(at, 'source=config');
    const change = { owner: 'ops@example.com' };
    await at.send({ method: 'PATCH', path: `/auth/keys/${declared.id}`, key: FIRST_KEY, body: change });
    const file = at.file('config.yaml', yaml(KEY, OTHER));
    expect(await at.summary(['cli-proxy', file, '--dry-run'])).toMatchObject({ imported: 2 });
    expect(await listed(at)).toEqual([]);

    expect(await at.summary(['cli-proxy', file])).toMatchObject({ imported: 2, already_there: 0 });
    expect(await listed(at)).toMatchObject([
      { id: declared.id, label: 'before', ...change },
      { label: 'of one' },
    ]);
    expect(await declare([SHORT, [KEY, 'again']])).toMatchObject({ foreign: [KEY.slice(0, 12)] });
    expect(await declare([])).toMatchObject({ removed: ['team'] });
    expect([await verify(at, KEY), await verify(at, OTHER), await verify(at, SHORT)]).toEqual([
      200, 200, 401,
    ]);
    const deactivate = {
      method: 'POST',
      path: `/auth/keys/${declared.id}/deactivate`,
      key: FIRST_KEY,
    } as const;
    expect(await at.send(deactivate)).toMatchObject({ status: 200 });
    expect(await at.summary(['cli-proxy', file])).toMatchObject({ imported: 0, already_there: 2 });
    expect(await verify(at, KEY)).toBe(401);
  });
});

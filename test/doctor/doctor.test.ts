import {
  chmodSync,
  chownSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canBeNobody, keyhearth, keyhearthAsNobody, NOBODY } from '../cli/command.ts';
import { selfSigned } from '../support/certificate.ts';
import { type Running, register, sqlIn, startService, temporaryDirectory } from '../support/keyhearth.ts';
import { isRoot } from '../support/root.ts';

/** One service, which runs during the tests. The tests leave its files as they were. */
let running: Running;
beforeAll(async () => {
  running = await startService();
  await register(running.send);
});
afterAll(() => running.close());

async function doctor(env: Record<string, string> = {}) {
  const settings = { KEYHEARTH_DATA_DIR: running.dataDir, ...env };
  const { code, stdout, stderr } = await keyhearth(['doctor', '--json'], { env: settings });
  const found: { level: string; check: string; finding: string; advice: string }[] = JSON.parse(stdout);
  return {
    code,
    stderr,
    found,
    checks: found.map(({ check }) => check).filter((name) => name !== 'disk_space'),
  };
}

test('finds nothing in a new installation, and changes nothing', async () => {
  const before = readdirSync(running.dataDir).map((name) => [
    name,
    statSync(join(running.dataDir, name)).mode,
  ]);
  expect(await doctor()).toMatchObject({ checks: [] });
  expect(
    readdirSync(running.dataDir).map((name) => [name, statSync(join(running.dataDir, name)).mode]),
  ).toEqual(before);
});

test('finds what other users can read, and leaves it', async () => {
  const pepper = join(running.dataDir, 'pepper');
  chmodSync(pepper, 0o644);
  try {
    const { code, found, stderr } = await doctor();
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringMatching(/^keyhearth: Errors: \d\n$/) });
    expect(found).toContainEqual(
      expect.objectContaining({ level: 'error', check: 'mode', advice: `Run: chmod go= ${pepper}` }),
    );
    expect(statSync(pepper).mode & 0o777).toBe(0o644);
  } finally {
    chmodSync(pepper, 0o600);
  }
});

test.skipIf(!isRoot)('a mounted secret of root is fine, and hides no other finding', async () => {
  const mounted = join(temporaryDirectory(), 'pepper');
  copyFileSync(join(running.dataDir, 'pepper'), mounted);
  const env = { KEYHEARTH_PEPPER_FILE: mounted };
  chmodSync(mounted, 0o440);
  expect(await doctor(env)).toMatchObject({ code: 0, checks: [] });
  chmodSync(mounted, 0o444);
  expect(await doctor(env)).toMatchObject({ code: 7, checks: ['mode'] });
  chownSync(mounted, 65_534, 65_534);
  chmodSync(mounted, 0o600);
  const [row] = await sqlIn(running.dataDir, 'select created_at from api_keys');
  const marker = join(running.dataDir, 'pepper.database-id');
  try {
    await sqlIn(running.dataDir, `update api_keys set created_at = ${Date.now() + 86_400_000}`);
    expect(await doctor(env)).toMatchObject({ code: 7, checks: ['owner', 'clock'] });
    chmodSync(marker, 0o640);
    expect((await doctor(env)).checks).toContain('mode');
    expect(statSync(marker).mode & 0o777).toBe(0o640);
  } finally {
    chmodSync(marker, 0o600);
    await sqlIn(running.dataDir, `update api_keys set created_at = ${row?.created_at}`);
  }
});

test('finds a pepper that does not fit, and one that is gone, and makes none', async () => {
  const pepper = join(running.dataDir, 'pepper');
  const bytes = readFileSync(pepper);
  try {
    writeFileSync(pepper, `${'ab'.repeat(32)}\n`);
    expect(await doctor()).toMatchObject({ code: 7, checks: ['pepper'] });
    rmSync(pepper);
    expect(await doctor()).toMatchObject({ code: 7, checks: ['pepper'] });
    expect(readdirSync(running.dataDir)).not.toContain('pepper');
  } finally {
    writeFileSync(pepper, bytes, { mode: 0o600 });
  }
});

test('finds the marker file of another database', async () => {
  const marker = join(running.dataDir, 'pepper.database-id');
  const bytes = readFileSync(marker, 'utf8');
  const [identity] = await sqlIn(running.dataDir, 'select database_id from database_identity');
  try {
    writeFileSync(marker, bytes.replace(String(identity?.database_id), crypto.randomUUID()));
    const { code, found } = await doctor();
    expect(code).toBe(7);
    expect(found).toContainEqual(
      expect.objectContaining({
        ...{ level: 'error', check: 'pepper' },
        finding: expect.stringContaining('belongs to another database'),
      }),
    );
  } finally {
    writeFileSync(marker, bytes);
  }
});

test('does not count keys of a gateway, whose fingerprints come from its file', async () => {
  await sqlIn(
    running.dataDir,
    "insert into api_keys (id, label, hint, hash, is_active, created_at, source) values (9, '', '', '', 1, 0, 'config')",
  );
  expect((await doctor()).checks).not.toContain('no_fingerprint');
  await sqlIn(running.dataDir, 'delete from api_keys where id = 9');
});

test('finds an open bootstrap', async () => {
  const [claim] = await sqlIn(running.dataDir, 'select claimed_at from bootstrap_claim');
  await sqlIn(running.dataDir, 'delete from bootstrap_claim');
  expect(await doctor({ HOST: '0.0.0.0' })).toMatchObject({ code: 7, checks: ['bootstrap'] });
  await sqlIn(running.dataDir, `insert into bootstrap_claim values (1, ${claim?.claimed_at})`);
});

test('finds a certificate that cannot be used', async () => {
  const { cert, key } = selfSigned('keyhearth');
  const files = {
    KEYHEARTH_TLS_CERT: join(running.dataDir, 'cert'),
    KEYHEARTH_TLS_KEY: join(running.dataDir, 'key'),
  };
  writeFileSync(files.KEYHEARTH_TLS_CERT, cert);
  writeFileSync(files.KEYHEARTH_TLS_KEY, 'no key');
  expect((await doctor(files)).checks).toContain('tls');
  writeFileSync(files.KEYHEARTH_TLS_KEY, key);
  const { found } = await doctor(files);
  expect(found.filter(({ check, level }) => check === 'tls' && level === 'error')).toEqual([]);
  const modes = async () => {
    const { found } = await doctor(files);
    return found.filter(({ check }) => check === 'mode').map(({ finding }) => finding);
  };
  chmodSync(files.KEYHEARTH_TLS_KEY, 0o640);
  expect(await modes()).toEqual([]);
  chmodSync(files.KEYHEARTH_TLS_KEY, 0o644);
  expect(await modes()).toEqual([`Other users can read or change ${files.KEYHEARTH_TLS_KEY}.`]);
});

test('finds a lost write-ahead log of a running service, makes no new one, and advises no restore before a stop', async () => {
  const log = join(running.dataDir, 'keyhearth.db-wal');
  const lost = {
    ...{ level: 'error', check: 'integrity' },
    finding: expect.stringContaining(`${log} was removed`),
    advice: expect.stringContaining('stop it with SIGTERM'),
  };
  renameSync(log, `${log}.away`);
  try {
    expect(await doctor()).toMatchObject({ code: 7, checks: ['integrity'] });
    expect((await doctor()).found).toContainEqual(lost);
    expect(readdirSync(running.dataDir)).not.toContain('keyhearth.db-wal');
    // Another program may have made an empty one.
    writeFileSync(log, '', { mode: 0o600 });
    expect((await doctor()).found).toContainEqual(lost);
  } finally {
    renameSync(`${log}.away`, log);
  }
  expect((await doctor()).checks).toEqual([]);
});

test('a missing database and a bad setting are findings', async () => {
  const missing = join(running.dataDir, 'none');
  expect(await doctor({ KEYHEARTH_DATA_DIR: missing })).toMatchObject({ code: 7, checks: ['database'] });
  expect(readdirSync(running.dataDir)).not.toContain('none');
  expect(await doctor({ PORT: 'x' })).toMatchObject({ code: 7, checks: ['settings'] });
});

test('people read sentences', async () => {
  const { code, stdout } = await keyhearth(['doctor'], { env: { PORT: 'x' } });
  expect({ code, stdout }).toEqual({
    code: 7,
    stdout: expect.stringMatching(/^error settings: PORT .*\n {2}Correct it\. .*\n$/),
  });
});

test('finds files that cannot be written, and does not open them', ({ skip }) => {
  skip(!canBeNobody, 'Only root can run a command as another user, with setpriv.');
  const dataDir = temporaryDirectory();
  const database = join(dataDir, 'keyhearth.db');
  copyFileSync(join(running.dataDir, 'keyhearth.db'), database);
  chmodSync(database, 0o400);
  chmodSync(dataDir, 0o500);
  for (const path of [dataDir, database]) chownSync(path, NOBODY, NOBODY);
  const { status, stdout } = keyhearthAsNobody(dataDir, 'doctor', '--json');
  expect(status, stdout).toBe(7);
  const found = JSON.parse(stdout).filter(({ check }: { check: string }) => check !== 'disk_space');
  const unwritable = (path: string) => ({
    ...{ level: 'error', check: 'read_only', advice: `Run: chmod u+rwX ${path}` },
    finding: `${path} cannot be written (EACCES), so Keyhearth does not start.`,
  });
  expect(found.filter(({ check }: { check: string }) => check !== 'pepper')).toEqual([
    unwritable(dataDir),
    unwritable(database),
  ]);
});

test('another user learns that the files are not theirs', ({ skip }) => {
  skip(!canBeNobody, 'Only root can run a command as another user, with setpriv.');
  const as = (...command: string[]) => keyhearthAsNobody(running.dataDir, ...command);
  const { status, stdout } = as('doctor', '--json');
  expect(status).toBe(7);
  const found = JSON.parse(stdout).filter(({ check }: { check: string }) => check !== 'disk_space');
  expect(found).toMatchObject([{ check: 'owner', finding: `${running.dataDir} belongs to another user.` }]);
  // It does not say that there is no database.
  for (const command of [['backup', '/nowhere/backup.db'], ['recover']])
    expect(as(...command)).toMatchObject({
      ...{ status: 1, stdout: '' },
      stderr: expect.stringMatching(/belongs to another user|a directory that this user owns/),
    });
});

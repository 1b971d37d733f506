import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../../deploy/cluster/free-port.ts';
import { type environmentSchema, parseConfig } from '../../src/config.ts';
import { createLogger, type Logger } from '../../src/lib/logger.ts';
import { StartupError } from '../../src/lib/startup-error.ts';
import { serve } from '../../src/serve.ts';
import {
  FIRST_KEY,
  MAIN,
  type Process,
  register,
  spawnProcess,
  startProcess,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const AT_ONCE_MS = 2_000;
const PATIENCE_MS = 20_000;

async function run(env: Record<string, string>) {
  const start = performance.now();
  const { child, ended, stdout, stderr } = spawnProcess(env);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const end = await ended;
  clearTimeout(tooLong);
  return { end, stdout: stdout(), stderr: stderr(), ms: performance.now() - start };
}

/** Expects that the start is refused as an operator wants it, and returns the sentence. */
async function refusalOf(env: Record<string, string>): Promise<string> {
  const { end, stdout, stderr, ms } = await run(env);
  expect({ end, stdout }).toEqual({ end: 1, stdout: '' });
  expect(stderr).toMatch(/^keyhearth: [^\n]+\n$/);
  if (LONG && ms >= AT_ONCE_MS) await expectAtOnce(env);
  return stderr;
}

/** Other test files load the machine: then the start that is refused first of all is slow as well, or one of several. */
async function expectAtOnce(env: Record<string, string>): Promise<void> {
  const later: number[] = [];
  for (let i = 0; i < 4 && !later.some((ms) => ms < AT_ONCE_MS); i++) {
    const usual = await run({ HOST: '' });
    const { ms } = await run(env);
    later.push(ms - usual.ms);
  }
  expect(Math.min(...later)).toBeLessThan(AT_ONCE_MS);
}

/**
 * The same of a start in this process, which takes a tenth of the time. The tests that start a process show that it says
 * the sentence of the error.
 */
async function refusalHere(env: Record<string, string>): Promise<string> {
  if (LONG) return refusalOf(env);
  let stdout = '';
  const write = (text: string) => {
    stdout += text;
  };
  const { message } = await refusedStart(env, createLogger('info', { write }));
  expect(stdout).toBe('');
  expect(message).toMatch(/^[^\n]+$/);
  return `keyhearth: ${message}\n`;
}

async function refusedStart(env: Record<string, string>, logger: Logger): Promise<StartupError> {
  try {
    const started = await serve(parseConfig({ PORT: '0', ...env }), logger);
    await started.stop(0);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('it starts');
}

function refusalOfParser(env: Record<string, string>): string {
  try {
    parseConfig(env);
    return 'it starts';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A data directory in which a first key was registered before the service was stopped. */
let registered = '';

beforeAll(async () => {
  registered = mkdtempSync(join(tmpdir(), 'keyhearth-test-'));
  const running = await startService({ dataDir: registered });
  await register(running.send);
  await running.close();
});

afterAll(() => rmSync(registered, { recursive: true, force: true }));

/** A copy of it, to do harm to. */
function directory() {
  const dataDir = temporaryDirectory();
  cpSync(registered, dataDir, { recursive: true });
  return {
    env: { KEYHEARTH_DATA_DIR: dataDir },
    database: join(dataDir, 'keyhearth.db'),
    pepper: join(dataDir, 'pepper'),
    marker: join(dataDir, 'pepper.database-id'),
  };
}

function openDatabase(path: string): SqliteDatabase.Database {
  const sqlite = new SqliteDatabase(path);
  onTestFinished(() => void sqlite.close());
  return sqlite;
}

async function end({ child, ended }: Process, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  child.kill(signal);
  await ended;
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('a start is refused at once, in one sentence that says what to do,', () => {
  test('when the port is taken', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void occupant.close());
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const sentence = await refusalOf({ KEYHEARTH_DATA_DIR: temporaryDirectory(), PORT: String(port) });
    expect(sentence).toMatch(new RegExp(`\\b${port}\\b.*in use.*set PORT`));
  });

  test('when the address is not one of this machine', async () => {
    // From the block of addresses that are reserved for documentation.
    const sentence = await refusalHere({ KEYHEARTH_DATA_DIR: temporaryDirectory(), HOST: '192.0.2.1' });
    expect(sentence).toMatch(/not an address of this machine.*set HOST/);
  });

  test('when the data directory is a file, or below one', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '', { mode: 0o644 });
    for (const path of [file, join(file, 'data')]) {
      const sentence = await refusalHere({ KEYHEARTH_DATA_DIR: path });
      expect(sentence).toContain(path);
      expect(sentence).toMatch(/data directory.*set KEYHEARTH_DATA_DIR/);
    }
    expect(modeOf(file)).toBe('644');
  });

  // In /proc not even root can make a file.
  test.skipIf(!existsSync('/proc/self/fd')).each(['/proc/keyhearth', '/proc/self/fd'])(
    'when nothing can be made in the data directory: %s',
    async (path) => {
      const sentence = await refusalHere({ KEYHEARTH_DATA_DIR: path });
      expect(sentence).toContain(path);
      expect(sentence).toMatch(/writ|permission|KEYHEARTH_DATA_DIR/);
    },
  );

  test('when the directory of the database is missing', async () => {
    const database = join(temporaryDirectory(), 'missing', 'keyhearth.db');
    const sentence = await refusalHere({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      DATABASE_URL: `sqlite:${database}`,
    });
    expect(sentence).toContain(database);
    expect(sentence).toMatch(/check that its directory exists/);
  });

  test('when the database is random bytes', async () => {
    const { env, database } = directory();
    writeFileSync(database, randomBytes(64 * 1024));
    const sentence = await refusalHere(env);
    expect(sentence).toContain(database);
    expect(sentence).toMatch(/damaged.*restore it from a backup/);
  });

  test('when the middle of the database is overwritten', async () => {
    const { env, database } = directory();
    const { size } = statSync(database);
    const file = openSync(database, 'r+');
    writeSync(file, randomBytes(size / 4), 0, size / 4, Math.floor(size / 2));
    const sentence = await refusalHere(env);
    expect(sentence).toContain(database);
    expect(sentence).toMatch(/damaged.*restore it from a backup/);
  });

  test('when the second half of the database is cut off', async () => {
    const { env, database } = directory();
    truncateSync(database, Math.floor(statSync(database).size / 2));
    const sentence = await refusalHere(env);
    expect(sentence).toContain(database);
    expect(sentence).toMatch(/damaged.*restore it from a backup/);
  });

  describe.each([
    ['at the very first start', false],
    ['later', true],
  ])('%s', (_, laterOn) => {
    test.each([
      ['has tables and no mark', 'create table guests (id integer primary key)'],
      ['has a mark and no tables', 'pragma application_id = 1234'],
    ])('when the database is another program’s: it %s; and nothing in it is touched', async (_, sql) => {
      const foreign = join(temporaryDirectory(), 'foreign.db');
      const sqlite = new SqliteDatabase(foreign);
      sqlite.exec(sql);
      sqlite.close();
      const before = readFileSync(foreign);
      const env = laterOn ? directory().env : { KEYHEARTH_DATA_DIR: temporaryDirectory() };
      const sentence = await refusalHere({ ...env, DATABASE_URL: `sqlite:${foreign}` });
      expect(readFileSync(foreign).equals(before)).toBe(true);
      expect(sentence).toContain(foreign);
      expect(sentence).toMatch(/another program.*DATABASE_URL/);
    });
  });

  test('when a newer Keyhearth has migrated the database', async () => {
    const { env, database } = directory();
    const sqlite = openDatabase(database);
    sqlite.exec(`insert into kysely_migration values ('9999_future', '2099-01-01T00:00:00.000Z')`);
    expect(await refusalHere(env)).toMatch(/9999_future.*newer Keyhearth.*Start the newer version/);
  });

  test('when the pepper is missing and the database is there; and no new one is made', async () => {
    const { env, pepper } = directory();
    rmSync(pepper);
    const sentence = await refusalHere(env);
    expect(sentence).toContain(pepper);
    expect(sentence).toMatch(/missing.*restore it from a backup/);
    expect(existsSync(pepper)).toBe(false);
  });

  test('when KEYHEARTH_PEPPER_FILE names a file that is not there; and none is made', async () => {
    const pepper = join(temporaryDirectory(), 'my-pepper');
    const sentence = await refusalHere({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_PEPPER_FILE: pepper,
    });
    expect(sentence).toContain(pepper);
    expect(sentence).toMatch(/KEYHEARTH_PEPPER_FILE.*does not exist; make it with/);
    expect(existsSync(pepper)).toBe(false);
  });

  test.each(['0604', '0602', '0601', '0666'])('when the pepper has mode %s', async (mode) => {
    const { env, pepper } = directory();
    chmodSync(pepper, Number.parseInt(mode, 8));
    expect(await refusalHere(env)).toContain(`chmod 600 ${pepper}`);
  });

  test('when the pepper is not 32 bytes', async () => {
    const { env, pepper } = directory();
    const half = randomBytes(16).toString('hex');
    writeFileSync(pepper, half);
    const sentence = await refusalHere(env);
    expect(sentence).toContain(pepper);
    expect(sentence).toMatch(/not 32 bytes.*restore it from a backup/);
    expect(sentence).not.toContain(half);
  });

  test.each([['in the file'], ['in the environment']])(
    'when the pepper is another one, %s; and neither pepper is shown',
    async (where) => {
      const { env, database, pepper } = directory();
      const right = readFileSync(pepper, 'utf8').trim();
      const wrong = randomBytes(32).toString('hex');
      if (where === 'in the file') writeFileSync(pepper, wrong);
      const sentence = await refusalHere({
        ...env,
        ...(where !== 'in the file' && { KEYHEARTH_PEPPER: wrong }),
      });
      expect(sentence).toContain(database);
      expect(sentence).toMatch(/pepper does not fit.*restore it from a backup/);
      expect(sentence).not.toContain(wrong);
      expect(sentence).not.toContain(right);
    },
  );

  test.each<[string, (database: string) => void]>([
    ['deleted', (database) => rmSync(database)],
    ['emptied', (database) => truncateSync(database)],
    [
      'exchanged for an SQLite file with nothing in it',
      (database) => {
        rmSync(database);
        const sqlite = new SqliteDatabase(database);
        sqlite.exec('vacuum');
        sqlite.close();
      },
    ],
  ])('when the database was %s; and again when it is tried again', async (_, harm) => {
    const { env, database, marker } = directory();
    harm(database);
    for (let i = 0; i < 2; i++) {
      const sentence = await refusalHere(env);
      expect(sentence).toContain(database);
      expect(sentence).toContain(marker);
      expect(sentence).toMatch(/missing or empty.*restore it from a backup/);
    }
  });

  test.each([
    ['keyhearth.db', ['keyhearth.db']],
    ['keyhearth.db and the pepper', ['keyhearth.db', 'pepper']],
  ])('when another directory’s %s was put in the place of its own', async (_, files) => {
    const { env, database, marker } = directory();
    const other = temporaryDirectory();
    await (await startService({ dataDir: other })).close();
    for (const file of files) cpSync(join(other, file), join(env.KEYHEARTH_DATA_DIR, file));
    const idIn = (path: string) => readFileSync(path, 'utf8').split('\n')[0] ?? '';
    const ids = [marker, join(other, 'pepper.database-id')].map(idIn);
    const sentence = await refusalHere(env);
    expect(sentence).toContain(database);
    expect(sentence).toContain(marker);
    for (const id of ids) expect(sentence).toContain(id);
    expect(sentence).toMatch(/restore the right database/);
  });

  const badValues: Record<keyof typeof environmentSchema.shape, string[]> = {
    HOST: [''],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['', 'collector:4318', 'ftp://127.0.0.1'],
    OTEL_EXPORTER_OTLP_HEADERS: ['', 'secret-token', 'a b=c'],
    OTEL_SERVICE_NAME: [''],
    OTEL_TRACES_SAMPLER_ARG: ['', '1.5', 'half', '-1'],
    KEYHEARTH_LISTEN: ['', 'unix:keyhearth.sock', '/run/keyhearth.sock', 'fd:3'],
    KEYHEARTH_SOCKET_MODE: ['', '888', '0460', 'rw-rw----'],
    KEYHEARTH_TLS_CERT: [''],
    KEYHEARTH_TLS_KEY: [''],
    KEYHEARTH_PEPPER_PREVIOUS: ['', 'short'],
    KEYHEARTH_PEPPER_PREVIOUS_FILE: [''],
    KEYHEARTH_WEBHOOK_URL: ['', 'example.com', 'ftp://example.com', 'https://user:word@example.com'],
    KEYHEARTH_WEBHOOK_SECRET: ['', 'whsec_!!', 'whsec_c2hvcnQ=', 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0'],
    KEYHEARTH_WEBHOOK_SECRET_FILE: [''],
    KEYHEARTH_METRICS_LISTEN: ['', '9465', '127.0.0.1:65536'],
    PORT: ['', 'http', '-1', '65536', '88.5', 'tcp://10.1.2.3:8800'],
    KEYHEARTH_DATA_DIR: [''],
    DATABASE_URL: [
      '',
      './somewhere.db',
      'mysql://root:geheim@localhost/keys',
      'postgres://root:geheim@/keys',
      'postgres://root:geheim@localhost',
      'postgres://root:geheim@local host/keys',
      'postgres://root:55/geheim@localhost/keys',
      'postgres://root:/geheim@localhost/keys',
    ],
    DATABASE_URL_FILE: [''],
    KEYHEARTH_DATABASE_POOL: ['', '2', '101', 'many'],
    KEYHEARTH_CACHE: ['', 'yes', 'ON'],
    KEYHEARTH_PEPPER: ['', 'geheim', `${'ab'.repeat(31)}ag`, 'cd'.repeat(33)],
    KEYHEARTH_PEPPER_FILE: [''],
    KEYHEARTH_TRUSTED_PROXIES: [
      ...['', 'localhost', '10.7.0.0/33', '192.168.7.1,', '10.7.0.1 10.7.0.2'],
      ...['0.0.0.0/0', '::/0', '0.0.0.0/1,128.0.0.0/1'],
    ],
    KEYHEARTH_SESSION_DAYS: ['', '-7', '99999', 'a month'],
    KEYHEARTH_REGISTRATION: ['', 'yes', 'OPEN'],
    KEYHEARTH_REQUIRE_2FA: ['', 'on', 'members'],
    KEYHEARTH_QUERY_KEYS: ['', 'yes', 'ON'],
    KEYHEARTH_ALLOWED_HOSTS: [
      '',
      'keys.example.com,',
      'keys.example.com:8800',
      'https://keys.example.com',
      '*.example.com',
    ],
    KEYHEARTH_AUDIT_DAYS: ['', 'never', '-1', '36501', '30d'],
    KEYHEARTH_LOCKOUT_ATTEMPTS: ['', 'never', '-3', '1001'],
    KEYHEARTH_LOCKOUT_SECONDS: ['', '0s', '5m', '86401'],
    KEYHEARTH_LOCKOUT_BY: ['', 'client', 'address + key'],
    KEYHEARTH_BCRYPT_COST: ['', '9', '16', 'twelve'],
    KEYHEARTH_BOOTSTRAP_TOKEN: ['', 'ge heim', 'gehéim', 'g'.repeat(513)],
    KEYHEARTH_BOOTSTRAP_TOKEN_FILE: [''],
    KEYHEARTH_WORKERS: ['', '0', '65', 'all'],
    KEYHEARTH_SHUTDOWN_DELAY_SECONDS: ['', '-1', '301', '10s'],
    KEYHEARTH_USAGE_DAYS: ['', '-1', '3651', '90d'],
    KEYHEARTH_LOG_LEVEL: ['', 'verbose', 'INFO'],
    KEYHEARTH_GATEWAY_CONFIG: [''],
    KEYHEARTH_GATEWAY_NAME: ['', 'two words', 'x'.repeat(65)],
    KEYHEARTH_GATEWAY_LOCAL_PASSWORD: ['', 'ge heim', 'g'.repeat(73)],
    KEYHEARTH_GATEWAY_LOCAL_PASSWORD_FILE: [''],
    MANAGEMENT_PASSWORD: ['', 'ge heim', 'gehéim', 'g'.repeat(73)],
    MANAGEMENT_PASSWORD_FILE: [''],
    KEYHEARTH_GATEWAY_CONNECT_SECONDS: ['', '-1', '301', '10s'],
    KEYHEARTH_GATEWAY_FIRST_BYTE_SECONDS: ['', '-1', '3601', '2m'],
    KEYHEARTH_GATEWAY_IDLE_SECONDS: ['', '-1', '3601', '5m'],
  };

  /** One start shows that the process says the sentence of the parser. */
  const STARTED = ['PORT'];

  test.each(Object.entries(badValues))(
    'when %s has a bad value: it is named, and the value is not repeated',
    async (variable, values) => {
      const dataDir = temporaryDirectory();
      for (const value of values) {
        const env = { KEYHEARTH_DATA_DIR: dataDir, [variable]: value };
        const isStarted = STARTED.includes(variable) && value === values.at(-1);
        const sentence = isStarted ? await refusalOf(env) : `keyhearth: ${refusalOfParser(env)}`;
        expect(sentence).toMatch(new RegExp(`^keyhearth: ${variable} must [^\\n]+\n?$`));
        if (value) expect(sentence).not.toContain(value);
      }
    },
  );

  test('when the name of a variable has a typing error: the right name is shown, and the value is not', async () => {
    const sentence = await refusalOf({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_BOOTSTRAP_TOKN: 'geheim',
    });
    expect(sentence).toMatch(/KEYHEARTH_BOOTSTRAP_TOKN is not a setting, but KEYHEARTH_BOOTSTRAP_TOKEN is/);
    expect(sentence).not.toContain('geheim');
  });

  test('when there are two peppers to choose from', async () => {
    const pepper = 'ab'.repeat(32);
    const env = {
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_PEPPER: pepper,
      KEYHEARTH_PEPPER_FILE: '/x',
    };
    const sentence = await refusalHere(env);
    expect(sentence).toMatch(/KEYHEARTH_PEPPER and KEYHEARTH_PEPPER_FILE.*set one of them/);
    expect(sentence).not.toContain(pepper);
  });
});

describe('a service that has started', () => {
  test('says in its first line where it listens, with what database, whether bootstrap is open, and where its docs and the set-up are', async () => {
    const dataDir = temporaryDirectory();
    for (const bootstrap of ['open', 'closed']) {
      const process = await startProcess({ KEYHEARTH_DATA_DIR: dataDir });
      const [line = ''] = process.stdout().split('\n');
      expect(JSON.parse(line)).toMatchObject({
        level: 'info',
        address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        database: join(dataDir, 'keyhearth.db'),
        bootstrap,
        docs: `${process.origin}/docs`,
        setup: `${process.origin}/dashboard/setup`,
        msg: expect.stringContaining(`; set up the first administrator at ${process.origin}/dashboard/setup`),
      });
      expect((await process.send('/docs')).status).toBe(200);
      if (bootstrap === 'open') await register(process.send);
      await end(process);
    }
  });

  test.each(['1', '2'])(
    'names the set-up until there is an administrator, with %s workers',
    async (workers) => {
      const env = { KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_WORKERS: workers };
      const first = await startService({ dataDir: env.KEYHEARTH_DATA_DIR });
      const body = { email: 'ada@example.com', password: 'correct horse battery staple' };
      expect((await first.send('/')).json.setup).toBe('/dashboard/setup');
      expect((await first.send({ method: 'POST', path: '/auth/setup', body })).status).toBe(201);
      await first.close();
      const second = await startProcess(env);
      const [line = ''] = second.stdout().split('\n');
      expect(JSON.parse(line).setup).toBeUndefined();
      expect(JSON.parse(line).msg).toMatch(/; bootstrap is closed$/);
      await end(second);
    },
  );

  test('has made its directory with mode 0700 and every file in it with 0600', async () => {
    const dataDir = join(temporaryDirectory(), 'made', 'by-the-service');
    const process = await startProcess({ KEYHEARTH_DATA_DIR: dataDir });
    await register(process.send);
    expect(modeOf(dataDir)).toBe('700');
    const files = readdirSync(dataDir).sort();
    expect(files).toEqual([
      'keyhearth.db',
      'keyhearth.db-shm',
      'keyhearth.db-wal',
      'pepper',
      'pepper.database-id',
    ]);
    for (const file of files) expect([file, modeOf(join(dataDir, file))]).toEqual([file, '600']);
    await end(process);
  });

  test('is not opened again by an older copy of its database, nor by one that lost its last writes', async () => {
    const { env, database } = directory();
    const sqlite = new SqliteDatabase(database);
    sqlite.exec('delete from bootstrap_claim; delete from api_keys');
    sqlite.close();
    const sentence = await refusalHere(env);
    expect(sentence).toMatch(/pepper\.database-id.*older copy.*restore/);
  });

  test('is not opened again by another place for the pepper, whose marker file is then elsewhere', async () => {
    const dataDir = temporaryDirectory();
    const elsewhere = temporaryDirectory();
    const value = 'ab'.repeat(32);
    const first = await startService({ dataDir, env: { KEYHEARTH_PEPPER: value } });
    await register(first.send);
    await first.close();
    rmSync(join(dataDir, 'keyhearth.db'));
    writeFileSync(join(elsewhere, 'pepper'), value, { mode: 0o600 });
    const env = { KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_PEPPER_FILE: join(elsewhere, 'pepper') };
    expect(await refusalHere(env)).toMatch(/missing or empty.*pepper\.database-id/);
  });

  test('is refused where others could have put what is there', async () => {
    const { env } = directory();
    chmodSync(env.KEYHEARTH_DATA_DIR, 0o777);
    expect(await refusalHere(env)).toContain(`run: chmod 700 ${env.KEYHEARTH_DATA_DIR}`);
    chmodSync(env.KEYHEARTH_DATA_DIR, 0o700);
  });

  test('is refused in a directory that is used for other things, which is left as it is', async () => {
    const shared = temporaryDirectory();
    chmodSync(shared, 0o755);
    writeFileSync(join(shared, 'somebody-elses'), '');
    expect(await refusalHere({ KEYHEARTH_DATA_DIR: shared })).toMatch(
      /holds other files.*KEYHEARTH_DATA_DIR/,
    );
    expect(modeOf(shared)).toBe('755');
    expect(readdirSync(shared)).toEqual(['somebody-elses']);
  });

  test('names variables that look like settings and are none', async () => {
    const process = await startProcess({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_TOKEN: 'geheim',
    });
    await vi.waitFor(() => expect(process.stdout()).toMatch(/"warn".*ignored: KEYHEARTH_TOKEN"/));
    expect(process.stdout()).not.toContain('geheim');
    await end(process);
  });

  test('names them also when it is refused, perhaps for want of what they were meant to be', async () => {
    const { end, stdout, stderr } = await run({
      KEYHEARTH_DATA_DIR: '/proc/keyhearth',
      KEYHEARTH_DIRECTORY: temporaryDirectory(),
    });
    expect(end).toBe(1);
    expect(stdout).toMatch(/"warn".*ignored: KEYHEARTH_DIRECTORY"/);
    expect(stderr).toMatch(/^keyhearth: Cannot [^\n]+\n$/);
  });

  test('serves on, and can be stopped, when its log cannot be written', async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      env: { KEYHEARTH_DATA_DIR: temporaryDirectory(), PORT: String(port) },
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const health = async () => (await fetch(`http://127.0.0.1:${port}/health`)).status;
    await vi.waitFor(async () => expect(await health()).toBe(200), { timeout: 60_000 });
    for (let i = 0; i < 100; i++) expect(await health()).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('has taken the rights of others to a directory and files that were there before', async () => {
    const { env, database, marker } = directory();
    chmodSync(env.KEYHEARTH_DATA_DIR, 0o755);
    for (const path of [database, marker]) chmodSync(path, 0o644);
    const process = await startProcess(env);
    expect(modeOf(env.KEYHEARTH_DATA_DIR)).toBe('700');
    for (const file of readdirSync(env.KEYHEARTH_DATA_DIR)) {
      expect([file, modeOf(join(env.KEYHEARTH_DATA_DIR, file))]).toEqual([file, '600']);
    }
    await end(process);
  });

  test('says loudly when there is no lockout, and nothing of the kind when there is one', async () => {
    const warnings = ({ stdout }: Process) =>
      stdout()
        .split('\n')
        .filter((line) => line.includes('"error"'));
    const without = await startProcess({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
    });
    await vi.waitFor(() => expect(warnings(without)).toHaveLength(1));
    expect(warnings(without)[0]).toMatch(/THE LOCKOUT IS OFF.*KEYHEARTH_LOCKOUT_ATTEMPTS/);
    await end(without);

    const usual = await startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory() });
    await end(usual);
    expect(warnings(usual)).toEqual([]);
  });

  test('can be started again, with the same pepper, database and keys', async () => {
    const { env, pepper, marker } = directory();
    const before = [pepper, marker].map((path) => readFileSync(path, 'utf8'));
    for (let i = 0; i < 2; i++) {
      const running = await startService({ dataDir: env.KEYHEARTH_DATA_DIR });
      expect((await running.send({ path: '/auth/keys', key: FIRST_KEY })).json.keys).toHaveLength(1);
      expect((await running.send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(false);
      await running.close();
    }
    expect([pepper, marker].map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  });

  test('did not wait for another program that holds the write lock, and answers what only reads', async () => {
    async function startAndList(env: Record<string, string>) {
      const start = performance.now();
      const process = await startProcess(env);
      const list = await process.send({ path: '/auth/keys', key: FIRST_KEY });
      return { process, list, ms: performance.now() - start };
    }
    const { env, database } = directory();
    const sqlite = openDatabase(database);
    const later: number[] = [];
    // Other test files load the machine, so one start of several may be slow.
    for (let i = 0; i < 3 && !later.some((ms) => ms < AT_ONCE_MS); i++) {
      const usual = await startAndList(directory().env);
      await end(usual.process);
      sqlite.exec('begin immediate');
      const { process, list, ms } = await startAndList(env);
      later.push(ms - usual.ms);
      expect(list).toMatchObject({ status: 200, json: { keys: [{ id: 1 }] } });
      expect((await process.send('/health')).status).toBe(200);
      sqlite.exec('rollback');
      await end(process);
    }
    expect(Math.min(...later)).toBeLessThan(AT_ONCE_MS);
  });
});

import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { decodePepper } from '../src/pepper/pepper.ts';

test('the defaults', () => {
  const config = parseConfig({});
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8800,
    dataDir: `${process.cwd()}/data`,
    database: { engine: 'sqlite', path: `${process.cwd()}/data/keyhearth.db` },
    pepper: { from: 'file', path: `${process.cwd()}/data/pepper`, createIfMissing: true },
    trustedProxies: [],
    lockout: { attempts: 5, seconds: 300 },
    bcryptCost: 12,
    bootstrapToken: undefined,
    workers: 1,
    logLevel: 'info',
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test('the database may stand elsewhere', () => {
  expect(parseConfig({ DATABASE_URL: 'sqlite:/var/lib/k.db' }).database).toEqual({
    engine: 'sqlite',
    path: '/var/lib/k.db',
  });
});

test('auto is one worker for each core', () => {
  expect(parseConfig({ KEYHEARTH_WORKERS: 'auto' }).workers).toBe(availableParallelism());
});

describe.each<[string, string[], string[]]>([
  ['HOST', ['0.0.0.0', '::'], ['']],
  ['PORT', ['0', '65535'], ['', '-1', '65536', '80a', '8e3', '0x50', ' 80', '8800.5', 'tcp://10.0.0.1:8800']],
  ['KEYHEARTH_DATA_DIR', ['/srv/data'], ['']],
  ['DATABASE_URL', ['sqlite:a.db'], ['', 'sqlite:', 'mysql://a', 'a.db', 'postgres://u:p@ss/w#rd@host/db']],
  [
    'KEYHEARTH_PEPPER',
    ['ab'.repeat(32), Buffer.alloc(32, 1).toString('base64')],
    ['', 'ab', 'zz'.repeat(32), 'ab'.repeat(33)],
  ],
  ['KEYHEARTH_PEPPER_FILE', ['/run/secrets/pepper'], ['']],
  [
    'KEYHEARTH_TRUSTED_PROXIES',
    ['10.0.0.1', '10.0.0.0/8, ::1,fd00::/8', 'fc00::/7,fe80::/10', '2001:db8::/16', '::ffff:10.0.0.0/104'],
    [
      ...['', '10.0.0.1,', '10.0.0.0/33', '::1/129', 'proxy', '10.0.0', '10.0.0.0/8/8', '10.0.0.0/'],
      ...['0.0.0.0/0', '::/0', '10.0.0.1,0.0.0.0/0', '0.0.0.0/1,128.0.0.0/1', '10.0.0.0/7'],
      ...['::ffff:0:0/96', '::ffff:0.0.0.0/97', '2000::/3', '2001:db8::/15', 'fc00::/6'],
    ],
  ],
  ['KEYHEARTH_LOCKOUT_ATTEMPTS', ['0', '100'], ['', '-1', '101', 'five']],
  ['KEYHEARTH_LISTEN', ['unix:/run/k.sock', 'systemd'], ['', 'unix:', 'unix:k.sock', '/run/k.sock', 'fd:3']],
  ['KEYHEARTH_SOCKET_MODE', ['600', '0660', '0777'], ['', '0', '0460', '888', '01660', 'rw']],
  [
    'KEYHEARTH_METRICS_LISTEN',
    ['127.0.0.1:9464', '[::1]:0', 'localhost:65535'],
    ['', '9464', ':9464', '::1:9464', '127.0.0.1:65536', '127.0.0.1:', 'http://127.0.0.1:9464'],
  ],
  ['KEYHEARTH_AUDIT_DAYS', ['0', '1', '36500'], ['', '-1', '36501', '1.5']],
  ['KEYHEARTH_LOCKOUT_SECONDS', ['1', '86400'], ['', '0', '86401']],
  ['KEYHEARTH_LOCKOUT_BY', ['address', 'address+key'], ['', 'key', 'ADDRESS']],
  ['KEYHEARTH_BCRYPT_COST', ['10', '15'], ['', '9', '16']],
  ['KEYHEARTH_BOOTSTRAP_TOKEN', ['a-token'], ['', 'with space', 'ümlaut', 'x'.repeat(513)]],
  ['KEYHEARTH_WORKERS', ['1', '64', 'auto'], ['', '0', '65', 'all', '1.5']],
  ['KEYHEARTH_LOG_LEVEL', ['trace', 'silent'], ['', 'verbose', 'INFO']],
])('%s', (variable, good, bad) => {
  test.each(good)('may be %j', (value) => {
    expect(() => parseConfig({ [variable]: value })).not.toThrow();
  });
  test.each(bad)('may not be %j, and the sentence names the variable', (value) => {
    expect(() => parseConfig({ [variable]: value })).toThrow(new RegExp(`^${variable} .*\\.$`));
  });
});

test('one pepper, not two', () => {
  expect(() => parseConfig({ KEYHEARTH_PEPPER: 'ab'.repeat(32), KEYHEARTH_PEPPER_FILE: '/x' })).toThrow(
    /KEYHEARTH_PEPPER_FILE/,
  );
});

test('a pepper is the same in hex and in any base64', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const pepper = Buffer.from(bytes);
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        expect(decodePepper(pepper.toString(encoding))).toEqual(pepper);
      }
    }),
  );
});

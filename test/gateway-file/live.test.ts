import { chmodSync, readdirSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../../src/gateway-file/config.ts';
import { isProblem, parseGatewayFile } from '../../src/gateway-file/parse.ts';
import { withoutPlainSecret } from '../../src/gateway-file/plain-secret.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { DomainError } from '../../src/lib/failure.ts';
import { StartupError } from '../../src/lib/startup-error.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { KEY_A, KEY_B, processWithFile, withKeys } from './live-file.ts';

const RELOADED = 'the file of the gateway was reloaded';

/** What a promise is rejected with. */
const failureOf = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof DomainError ? error.failure : error;
};

describe('at the start', () => {
  test.each(['', 'api-key: [a-key-under-the-wrong-name]\n'])(
    'a file without api-keys is refused when an earlier one had keys: %j',
    async (text) => {
      const file = processWithFile(text);
      file.store.keys = [{ rawKey: RawKey(KEY_A), label: '' }];
      const refusal = await failureOf(file.thread());
      expect(refusal).toBeInstanceOf(StartupError);
      expect(String(refusal)).toContain('write "api-keys: []"');
      expect(file.accepted()).toEqual([KEY_A]);
    },
  );

  test('a file with an empty list of keys may open the gateway', async () => {
    const file = processWithFile('api-keys: []\n');
    file.store.keys = [{ rawKey: RawKey(KEY_A), label: '' }];
    expect((await file.thread()).current().clientKeys).toEqual([]);
  });

  test('the keys of the file are in the store before the gateway serves', async () => {
    const file = processWithFile(`${withKeys(KEY_A)}ws-auth: false\n`);
    const live = await file.thread();
    expect(file.accepted()).toEqual([KEY_A]);
    expect(live.current()).toMatchObject({ wsAuth: false, clientKeys: [{ rawKey: KEY_A }] });
    expect(live.problem()).toBe(undefined);
    expect(file.messages()).toEqual([
      'the file of the gateway was read',
      'WebSockets of the gateway need no API key, because ws-auth is false',
    ]);
  });

  test('a file that is not valid stops it with its sentence', async () => {
    const file = processWithFile('port: [1]\n');
    const error = await file.thread().catch((thrown: unknown) => thrown);
    expect(error).toEqual(
      new StartupError(
        `The gateway cannot use ${file.path}. Line 1: port must be a whole number from 1 to 65535.`,
      ),
    );
    unlinkSync(file.path);
    await expect(file.thread()).rejects.toThrow(
      'The file cannot be read (ENOENT); correct its path, its owner or its rights.',
    );
  });

  test('a thread that is replaced takes what the others have', async () => {
    const file = processWithFile(withKeys(KEY_A));
    await file.thread();
    file.write('port: [1]\n');
    const replaced = await file.thread();
    expect(replaced.current().clientKeys).toMatchObject([{ rawKey: KEY_A }]);
  });

  test('without keys, it warns', async () => {
    const file = processWithFile('');
    await file.thread();
    expect(file.messages()).toContain(
      'the gateway needs no API key, because its file has none: every request passes',
    );
  });
});

describe('a reload', () => {
  test('is logged once by all threads, after the store has the keys', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const threads = await Promise.all([1, 2, 3].map(() => file.thread()));
    const changes: GatewayConfig[][] = [];
    for (const live of threads) live.onChange((now, before) => void changes.push([now, before]));
    file.write(withKeys(KEY_B));
    await Promise.all(threads.map((live) => live.reload()));
    expect(file.accepted()).toEqual([KEY_B]);
    expect(file.lines.filter(({ msg }) => msg === RELOADED)).toMatchObject([
      { added: ['team-b'], removed: ['team-a'] },
    ]);
    for (const live of threads) expect(live.current().clientKeys).toMatchObject([{ rawKey: KEY_B }]);
    expect(
      changes.map(([now, before]) => [now?.clientKeys[0]?.rawKey, before?.clientKeys[0]?.rawKey]),
    ).toEqual(threads.map(() => [KEY_B, KEY_A]));
    expect(file.store.changes).toBe(2);
  });

  test('of another thread is noticed at the next request', async () => {
    const file = processWithFile('');
    const [first, second] = [await file.thread(), await file.thread()];
    expect(second.catchUp()).toBe(undefined);
    file.write(withKeys(KEY_A));
    await first.reload();
    expect(second.current().clientKeys).toEqual([]);
    await second.catchUp();
    expect(second.current().clientKeys).toMatchObject([{ rawKey: KEY_A }]);
  });

  test('of a broken file keeps the last good one, and logs one sentence', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const threads = [await file.thread(), await file.thread()];
    for (const text of ['port: [1]\n', 'port: [1]\n# still\n']) {
      file.write(text);
      for (const live of threads) await live.reload();
    }
    const sentence = 'Line 1: port must be a whole number from 1 to 65535.';
    for (const live of threads) {
      expect(live.problem()).toEqual({ kind: 'invalid_config', line: 1, field: 'port', sentence });
      expect(live.current().clientKeys).toMatchObject([{ rawKey: KEY_A }]);
    }
    expect(file.messages().filter((msg) => msg.includes(sentence)).length).toBe(1);
    file.write(withKeys(KEY_A));
    await threads[0]?.reload();
    await threads[1]?.catchUp();
    for (const live of threads) expect(live.problem()).toBe(undefined);
    expect(file.messages().at(-1)).toBe(RELOADED);
  });

  test('of a missing file keeps the last good one', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    unlinkSync(file.path);
    await live.reload();
    expect(live.problem()).toMatchObject({
      kind: 'unreadable',
      sentence: 'The file cannot be read (ENOENT); correct its path, its owner or its rights.',
    });
    expect(file.accepted()).toEqual([KEY_A]);
  });

  test('begins again when the file changes in between', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    file.write(withKeys(KEY_A, KEY_B));
    file.store.inTransaction = () => {
      file.store.inTransaction = () => {};
      file.write(withKeys(KEY_B));
    };
    await live.reload();
    expect(file.accepted()).toEqual([KEY_B]);
    expect(live.current().clientKeys).toMatchObject([{ rawKey: KEY_B }]);
  });

  test('that the store cannot take leaves all as it was, and is tried again', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    file.write(withKeys(KEY_B));
    file.store.inTransaction = () => {
      throw new Error('no database');
    };
    await expect(live.reload()).rejects.toThrow('no database');
    await expect(live.reload()).rejects.toThrow('no database');
    expect(live.current().clientKeys).toMatchObject([{ rawKey: KEY_A }]);
    expect(file.messages().filter((msg) => msg.endsWith('could not be put in force yet')).length).toBe(1);
    file.store.inTransaction = () => {};
    await live.reload();
    expect(file.accepted()).toEqual([KEY_B]);
  });

  test.each([
    ['an empty file', ''],
    ['a file that ends before its keys', 'port: 0\n'],
    ['a list of keys without any', 'api-keys:\n'],
    ['a part of a key', `api-keys:\n  - ${KEY_A.slice(0, 20)}`],
    ['a part of a URL', `${withKeys(KEY_A)}claude-api-key:\n  - api-key: sk-1\n    base-url: https://up`],
  ])('is refused for %s', async (_, text) => {
    const file = processWithFile(
      `${withKeys(KEY_A)}claude-api-key:\n  - api-key: sk-1\n    base-url: https://upstream.example.com\n`,
    );
    const live = await file.thread();
    file.write(text);
    await live.reload();
    expect(live.problem()?.kind).toBe('invalid_config');
    expect(live.current()).toMatchObject({
      clientKeys: [{ rawKey: KEY_A }],
      credentials: [{ baseUrl: 'https://upstream.example.com' }],
    });
  });

  test('takes all keys away when the file says so', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    file.write('api-keys: []\n');
    await live.reload();
    expect(live.problem()).toBe(undefined);
    expect(file.accepted()).toEqual([]);
  });

  test('does not open a gateway that listens on all addresses', async () => {
    const file = processWithFile(`host: 0.0.0.0\n${withKeys(KEY_A)}`);
    const live = await file.thread();
    file.write('host: 127.0.0.1\napi-keys: []\n');
    await live.reload();
    expect(live.problem()?.sentence).toMatch(/must have a key until the next start/);
    expect(await failureOf(live.replace('host: 127.0.0.1\napi-keys: []\n'))).toMatchObject({
      code: 'gateway_config_invalid',
      field: 'api-keys',
    });
  });

  test('of a file that says the same is not logged', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    file.write(`${withKeys(KEY_A)}# a comment\n`);
    await live.reload();
    expect(file.messages()).not.toContain(RELOADED);
  });

  test('warns of the same thing once', async () => {
    const file = processWithFile(`${withKeys(KEY_A)}debug: true\n`);
    const live = await file.thread();
    file.write(`${withKeys(KEY_A)}debug: true\nws-auth: true\n`);
    await live.reload();
    expect(file.messages().filter((msg) => msg.includes('debug')).length).toBe(1);
  });
});

describe('a management key in plain text', () => {
  const text = `# mine\n${withKeys(KEY_A)}remote-management:\n  secret-key: "plain-text"   # of Ada\n  allow-remote: false\n`;

  test('is replaced in the file, and nothing else of it', async () => {
    const file = processWithFile(text);
    const [live] = await Promise.all([file.thread(), file.thread(), file.thread()]);
    const { secretHash } = live.current().management;
    expect(secretHash).toMatch(/^\$2b\$04\$/);
    expect(file.read()).toBe(text.replace('plain-text', secretHash ?? ''));
    expect(file.store.hashes).toBe(1);
    file.write(text.replace('plain-text', 'another'));
    await live.reload();
    expect(file.read()).toBe(text.replace('plain-text', live.current().management.secretHash ?? ''));
    expect(live.current().management.secretHash).not.toBe(secretHash);
  });

  test.each([
    ['a block', 'remote-management:\n  secret-key: |-\n    plain-text\n'],
    ['an anchor', 'x: &key plain-text\nremote-management: { secret-key: *key }\n'],
    ['one line', 'remote-management: {secret-key: plain-text, allow-remote: true}\n'],
  ])('may be written as %s', async (_, written) => {
    const file = processWithFile(withKeys(KEY_A) + written);
    const live = await file.thread();
    expect(file.read()).toContain(live.current().management.secretHash);
    await live.reload();
    expect(file.store.hashes).toBe(1);
  });

  test('stays where the file cannot be written, with one warning', async () => {
    const content = { text, bytes: Buffer.from(text) };
    const parsed = parseGatewayFile(text, { directory: '/', home: '/' });
    if (isProblem(parsed)) throw new Error(parsed.sentence);
    // Nobody can write there, not even root.
    const accepted = await withoutPlainSecret('/dev/null/config.yaml', parsed, content, async () => 'hash');
    expect(accepted).toMatchObject({
      content,
      config: { management: { secretHash: 'hash' } },
      warnings: [expect.stringMatching(/stays plain text, because the file cannot be written \(ENOTDIR\)/)],
    });
  });
});

describe('an edit', () => {
  test('keeps comments and order, and is in force when it is done', async () => {
    const file = processWithFile(`# mine\nport: 0 # any\n${withKeys(KEY_A)}# end\nws-auth: true\n`);
    const [live, other] = [await file.thread(), await file.thread()];
    await live.edit((document) => document.addIn(['api-keys'], KEY_B));
    expect(file.read()).toBe(
      `# mine\nport: 0 # any\napi-keys:\n  - ${KEY_A}\n  - ${KEY_B}\n# end\nws-auth: true\n`,
    );
    expect(file.accepted()).toEqual([KEY_A, KEY_B]);
    expect(live.current().clientKeys.length).toBe(2);
    await other.catchUp();
    expect(other.current().clientKeys.length).toBe(2);
    expect(await live.text()).toBe(file.read());
  });

  test.each(['', '# mine\n'])('can be the first one of an empty file: %j', async (text) => {
    const file = processWithFile(text);
    const live = await file.thread();
    await live.edit((document) => document.set('api-keys', [KEY_A]));
    expect(file.read()).toContain(text.trim());
    expect(file.accepted()).toEqual([KEY_A]);
  });

  test.each(['~\n', 'null\n', '&a\n'])('can be the first one of a file without fields: %j', async (text) => {
    const file = processWithFile(text);
    await (await file.thread()).edit((document) => document.set('api-keys', [KEY_A]));
    expect(file.accepted()).toEqual([KEY_A]);
  });

  test('keeps mode and link of the file, and leaves no draft', async () => {
    const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    const file = processWithFile(withKeys(KEY_A), join(elsewhere, 'real.yaml'));
    chmodSync(file.path, 0o640);
    symlinkSync(file.path, join(directory, 'config.yaml'));
    const linked = processWithFile(withKeys(KEY_A), join(directory, 'config.yaml'));
    const live = await linked.thread();
    await live.replace(withKeys(KEY_B));
    expect(file.read()).toBe(withKeys(KEY_B));
    expect(statSync(file.path).mode & 0o777).toBe(0o640);
    expect([readdirSync(directory), readdirSync(elsewhere)]).toEqual([['config.yaml'], ['real.yaml']]);
    expect(dirname(file.path)).toBe(elsewhere);
  });

  test('that is not valid changes nothing', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    expect(await failureOf(live.replace('a: "b'))).toMatchObject({
      code: 'gateway_config_invalid',
      reason: 'invalid_yaml',
    });
    expect(await failureOf(live.edit((document) => document.set('port', 'x')))).toMatchObject({
      code: 'gateway_config_invalid',
      reason: 'invalid_config',
      field: 'port',
    });
    const refusal = new Error('not here');
    expect(
      await failureOf(
        live.replace(withKeys(KEY_B), {
          check(after, before) {
            expect([after, before].map(({ clientKeys }) => clientKeys[0]?.rawKey)).toEqual([KEY_B, KEY_A]);
            throw refusal;
          },
        }),
      ),
    ).toBe(refusal);
    expect(file.read()).toBe(withKeys(KEY_A));
    expect(file.accepted()).toEqual([KEY_A]);
  });

  test('never loses what somebody else wrote meanwhile', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    const theirs = `${withKeys(KEY_A)}ws-auth: false\n`;
    const failure = await failureOf(live.replace(withKeys(KEY_B), { check: () => file.write(theirs) }));
    expect(failure).toEqual({ code: 'gateway_config_changed' });
    expect(file.read()).toBe(theirs);
  });

  test('of many threads at once are all kept', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const threads = [await file.thread(), await file.thread(), await file.thread()];
    const keys = Array.from({ length: 12 }, (_, i) => `${KEY_B}-${i}`);
    await Promise.all(
      keys.map((key, i) => threads[i % 3]?.edit((document) => document.addIn(['api-keys'], key))),
    );
    expect(file.accepted().toSorted()).toEqual([KEY_A, ...keys].toSorted());
  });

  test('that the store cannot take is undone', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    file.store.inTransaction = () => {
      throw new Error('no database');
    };
    await expect(live.replace(withKeys(KEY_B))).rejects.toThrow('no database');
    expect(file.read()).toBe(withKeys(KEY_A));
    expect(live.current().clientKeys).toMatchObject([{ rawKey: KEY_A }]);
  });

  test('may give a new management key, which is hashed', async () => {
    const file = processWithFile(withKeys(KEY_A));
    const live = await file.thread();
    await live.replace(`${withKeys(KEY_A)}remote-management: { secret-key: plain-text }\n`);
    expect(file.read()).not.toContain('plain-text');
    expect(file.read()).toContain(live.current().management.secretHash);
  });
});

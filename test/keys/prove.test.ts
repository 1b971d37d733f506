import { hashSync } from 'bcryptjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createBcryptPool } from '../../src/keys/bcrypt-pool.ts';
import { bcryptInputOf, fingerprinter } from '../../src/keys/digests.ts';
import { createProver } from '../../src/keys/prove.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { fakeClock } from '../support/fake-clock.ts';
import type { Json } from '../support/http.ts';
import { bootstrapped, databaseFor, FIRST_KEY, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

/** Keys whose rows have no fingerprint, as after the loss of a pepper, and that begin alike. */
const keyOf = (number: number) =>
  RawKey(`same-hint-of-${String(number).padStart(4, '0')}-0123456789-0123456789`);
const WRONG = keyOf(9_999);

/** The least cost that bcrypt has. */
const hashOf = (number: number) => hashSync(bcryptInputOf(keyOf(number)), 4);

/** Adds the rows of the keys 1 to `count`. */
async function addRows(dataDir: string, count: number, first = 1): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => {
    const number = first + i;
    return `('row ${number}', '${keyOf(number).slice(0, 12)}', null, '${hashOf(number)}', 1, 0, 0)`;
  });
  await sqlIn(
    dataDir,
    `insert into api_keys (label, hint, fingerprint, hash, is_active, created_at, use_count) values ${rows.join(', ')}`,
  );
}

describe('a proof', () => {
  /** The hashes of each comparison are counted on their way to the real threads. */
  async function start(rows: number) {
    const dataDir = temporaryDirectory();
    const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
    const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
    onTestFinished(() => storage.close());
    await addRows(dataDir, rows);
    const bcrypt = createBcryptPool(4, 1, () => undefined);
    onTestFinished(() => bcrypt.close());
    const compared: number[] = [];
    let meanwhile = async () => {};
    const { clock, pass } = fakeClock();
    const prove = createProver({
      db: storage.db,
      fingerprintOf: fingerprinter(storage.pepper),
      bcrypt: {
        async find(task) {
          compared.push(task.hashes.length);
          const found = await bcrypt.find(task);
          await meanwhile();
          return found;
        },
      },
      clock,
    });
    const ask = async (key: RawKey) => {
      const proof = await prove(key, 'a client');
      return proof.state === 'proven' ? proof.key.label : proof.state;
    };
    const during = (work: typeof meanwhile) => {
      meanwhile = work;
    };
    return { dataDir, ask, compared, pass, during };
  }

  test('compares four rows, and the next one goes on', async () => {
    const { ask, compared } = await start(9);
    expect([await ask(WRONG), await ask(WRONG), await ask(WRONG)]).toEqual([
      'undecided',
      'undecided',
      'refused',
    ]);
    expect(compared).toEqual([4, 4, 1]);
  });

  test('does not bring back a secret that is replaced meanwhile', async () => {
    const { dataDir, ask, during } = await start(1);
    const replaced = hashOf(2);
    during(async () => {
      await sqlIn(dataDir, `update api_keys set fingerprint = 'of another secret', hash = '${replaced}'`);
    });
    expect(await ask(keyOf(1))).toBe('refused');
    expect(await sqlIn(dataDir, 'select fingerprint, hash from api_keys')).toEqual([
      { fingerprint: 'of another secret', hash: replaced },
    ]);
  });

  test('reaches every row', async () => {
    const { ask } = await start(9);
    for (const [number, requests] of [
      [9, 3],
      [4, 1],
      [5, 1],
    ] as const) {
      for (let i = 1; i < requests; i++) expect(await ask(keyOf(number))).toBe('undecided');
      expect(await ask(keyOf(number))).toBe(`row ${number}`);
    }
  });

  test('of a refused key costs nothing for a minute', async () => {
    const { ask, compared, pass } = await start(3);
    for (let i = 0; i < 5; i++) expect(await ask(WRONG)).toBe('refused');
    pass(59);
    expect(await ask(WRONG)).toBe('refused');
    expect(compared).toEqual([3]);
    pass(2);
    expect(await ask(WRONG)).toBe('refused');
    expect(compared).toEqual([3, 3]);
  });

  test('goes on when the client comes again within an hour', async () => {
    const { ask, compared, pass } = await start(6);
    await ask(WRONG);
    pass(3_500);
    expect(await ask(WRONG)).toBe('refused');
    expect(compared).toEqual([4, 2]);
  });

  test('of one key does not go on with another one', async () => {
    const { ask } = await start(6);
    expect([await ask(WRONG), await ask(keyOf(6)), await ask(keyOf(1))]).toEqual([
      'undecided',
      'undecided',
      'row 1',
    ]);
    expect(await ask(keyOf(6))).toBe('row 6');
  });

  test('finds a row that is newer than the refusal', async () => {
    const { dataDir, ask } = await start(2);
    expect(await ask(keyOf(3))).toBe('refused');
    await addRows(dataDir, 1, 3);
    expect(await ask(keyOf(3))).toBe('row 3');
  });

  test('is shared by requests that come together with the same key', async () => {
    const { ask, compared } = await start(5);
    expect(await Promise.all([ask(WRONG), ask(WRONG), ask(WRONG), ask(keyOf(1))])).toEqual([
      'undecided',
      'undecided',
      'undecided',
      'row 1',
    ]);
    expect(compared).toEqual([4, 4]);
  });
});

describe('over HTTP, with 41 rows that share a hint', () => {
  async function start(env: Record<string, string> = {}) {
    const running = await bootstrapped({ env });
    await addRows(running.dataDir, 41);
    const verify = (key: string) => running.send({ path: '/auth/verify', key });
    return { ...running, verify };
  }

  test('a request answers 503 until the key is decided, and counts once', async () => {
    const { send, verify } = await start();
    for (let i = 0; i < 10; i++) {
      const answer = await verify(WRONG);
      expect(answer.json).toMatchObject({ status: 503, code: 'overloaded' });
      expect(answer.json.detail).toBe(
        'The key was compared with only some of the stored keys. Send it again in a moment.',
      );
      expect(answer.headers['retry-after']).toBe('1');
      expect((await send('/auth/keys')).json.detail).toBe('API key required. 4 attempts remaining.');
    }
    expect((await verify(WRONG)).json.detail).toBe('Invalid API key. 3 attempts remaining.');
  });

  test('a valid key is found in the end, and clears the failures', async () => {
    const { send, verify } = await start();
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push((await verify(keyOf(41))).status);
    expect(statuses).toEqual([...new Array(10).fill(503), 200]);
    expect((await verify(keyOf(41))).status).toBe(200);
    expect((await send('/auth/keys')).json.detail).toBe('API key required. 5 attempts remaining.');
  });

  test('five keys that are not decided lock the address', async () => {
    const { verify } = await start();
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await verify(keyOf(1_000 + i))).status);
    expect(statuses).toEqual([503, 503, 503, 503, 503, 429]);
  });

  test('POST /auth/verify does the same for the address in ip', async () => {
    const { send } = await start();
    const ask = (key: string): Promise<Json> =>
      send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body: { key, ip: '198.51.100.7' } });
    expect((await ask(keyOf(5))).json).toMatchObject({ status: 503, code: 'overloaded' });
    expect((await ask(keyOf(5))).json).toMatchObject({ code: 'VALID', key: { label: 'row 5' } });
    for (let i = 0; i < 5; i++) expect((await ask(keyOf(1_000 + i))).status).toBe(503);
    expect((await ask(keyOf(6))).json).toMatchObject({ code: 'LOCKED' });
  });

  test('no key is hashed where no key is usable', async () => {
    const { dataDir, verify } = await start();
    await sqlIn(dataDir, 'update api_keys set is_active = 0');
    expect((await verify(keyOf(41))).json).toMatchObject({ status: 401, code: 'no_api_key_configured' });
  });
});

describe('the threads', () => {
  /** Long enough that all tasks are there before the first one ends. */
  const slow = { input: bcryptInputOf(WRONG), hashes: [hashSync('x', 10)] };

  test('serve clients in turn, so that none can keep them from the others', async () => {
    const pool = createBcryptPool(4, 1, () => undefined);
    onTestFinished(() => pool.close());
    const order: string[] = [];
    const tasks = [...new Array(10).fill('guesser'), 'client'].map((client) =>
      pool.find({ client, ...slow }).then(() => order.push(client)),
    );
    await Promise.all(tasks);
    expect(order.indexOf('client')).toBeLessThanOrEqual(2);
  });

  test('take a client into a full queue, in place of the latest task of the one that fills it', async () => {
    const pool = createBcryptPool(4, 1, () => undefined);
    onTestFinished(() => pool.close());
    const outcome = (client: string) =>
      pool.find({ client, ...slow }).then(
        () => 'done',
        (error) => error.failure?.code,
      );
    const guesses = Array.from({ length: 34 }, () => outcome('guesser'));
    expect(await outcome('client')).toBe('done');
    expect(await guesses[33]).toBe('overloaded');
    expect(await guesses[32]).toBe('overloaded');
    expect(await guesses[0]).toBe('done');
  });

  test('serve keys in turn with passwords, however many addresses send these', async () => {
    const pool = createBcryptPool(4, 1, () => undefined);
    onTestFinished(() => pool.close());
    const order: string[] = [];
    const signIns = Array.from({ length: 200 }, (_, i) =>
      pool.find({ client: `10.0.0.${i}`, isPassword: true, ...slow }).then(
        () => order.push('sign-in'),
        () => undefined,
      ),
    );
    const keys = Array.from({ length: 3 }, () =>
      pool.hash({ client: 'key 1', input: 'a new key' }).then(() => order.push('key')),
    );
    await Promise.all([...signIns, ...keys]);
    expect(order.slice(0, 8).filter((each) => each === 'key')).toHaveLength(3);
    expect(order.length).toBeGreaterThan(30);
  });
});

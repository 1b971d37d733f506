import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { hashSync } from 'bcryptjs';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createBcryptPool } from '../../src/keys/bcrypt-pool.ts';
import { fingerprinter } from '../../src/keys/digests.ts';
import type { HashingThreads } from '../../src/keys/hashing-threads.ts';
import { type Connection, createProver } from '../../src/keys/prove.ts';
import { createForeignProver } from '../../src/keys/prove-foreign.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { gatewayService } from '../support/gateway.ts';
import {
  bootstrapped,
  databaseFor,
  FIRST_KEY,
  register,
  sqlIn,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const keyOf = (number: number) => RawKey(`a-key-of-another-system-${String(number).padStart(48, '0')}`);
const WRONG = keyOf(9_999);

const addRows = (dataDir: string, some: readonly string[]) =>
  sqlIn(
    dataDir,
    `insert into api_keys (label, hint, fingerprint, hash, is_active, created_at, use_count, source)
        values ${some.map((hash, i) => `('row ${i + 1}', '', null, '${hash}', 1, 0, 0, 'imported')`).join(', ')}`,
  );

async function start(hashes: readonly string[]) {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(() => storage.close());
  const add = (some: readonly string[]) => addRows(dataDir, some);
  if (hashes.length > 0) await add(hashes);
  const bcrypt = createBcryptPool(4, 1, () => undefined);
  onTestFinished(() => bcrypt.close());
  const compared: number[] = [];
  let running = 0;
  let most = 0;
  const { clock, pass } = fakeClock();
  const parts = { db: storage.db, clock };
  let inStep: () => void | Promise<void> = () => undefined;
  const foreign = createForeignProver({
    ...{ ...parts, threads: 2 },
    bcrypt: {
      hash: bcrypt.hash,
      async find(task) {
        compared.push(task.hashes.length);
        most = Math.max(most, ++running);
        await inStep();
        return bcrypt.find(task).finally(() => running--);
      },
    },
  });
  const prove = createProver({ ...parts, fingerprintOf: fingerprinter(storage.pepper), bcrypt, foreign });
  const ask = async (key: RawKey, client = 'a client', connection?: Connection) => {
    const proof = await prove(key, client, connection);
    return proof.state === 'proven' ? proof.key.label : proof.state;
  };
  const rows = () => sqlIn(dataDir, 'select hint, hash, fingerprint from api_keys order by id');
  const duringSteps = (work: typeof inStep) => {
    inStep = work;
  };
  return {
    ask,
    add,
    sql: (text: string) => sqlIn(dataDir, text),
    compared,
    pass,
    rows,
    duringSteps,
    most: () => most,
  };
}

const hashOf = (number: number) => hashSync(keyOf(number), 4);

test('a key of 72 bytes is proven once, and its row gets the digests of Keyhearth', async () => {
  const { ask, rows, compared } = await start([hashOf(1), hashOf(2)]);
  expect(keyOf(2)).toHaveLength(72);
  expect(await ask(keyOf(2))).toBe('row 2');
  const [, { hint, hash, fingerprint } = {}] = await rows();
  expect({ hint, isOwn: hash !== hashOf(2) }).toEqual({ hint: 'a-key-of-ano', isOwn: true });
  expect(fingerprint).toMatch(/^[\w-]{43}$/);
  expect(hash).toMatch(/^\$2b\$04\$/);
  expect(await ask(WRONG)).toBe('refused');
  expect(compared).toEqual([2, 1]);
});

test('a longer key is refused without bcrypt, which ignores its end', async () => {
  const { ask, compared } = await start([hashOf(1)]);
  expect(await ask(RawKey(`${keyOf(1)}0`))).toBe('refused');
  expect(compared).toEqual([]);
});

test('a refused key is compared again with new rows only, for an hour', async () => {
  const { ask, add, compared, pass } = await start([hashOf(1), hashOf(2)]);
  expect([await ask(WRONG), await ask(WRONG)]).toEqual(['refused', 'refused']);
  await add([hashOf(9_999)]);
  expect(await ask(RawKey(`${WRONG.slice(0, -1)}8`))).toBe('refused');
  expect(await ask(WRONG)).toBe('row 1');
  expect(compared).toEqual([2, 3, 1]);
  pass(3_600_001);
  expect(await ask(RawKey(`${WRONG.slice(0, -1)}8`))).toBe('refused');
  expect(compared).toEqual([2, 3, 1, 2]);
});

test('a client has one proof at a time, and a proof without a place is not decided', async () => {
  const { ask, most, duringSteps } = await start([hashOf(1)]);
  const twoWithoutPlace = Promise.withResolvers<void>();
  // Until then, no proof ends and makes a place.
  duringSteps(() => twoWithoutPlace.promise);
  let undecided = 0;
  const asked = await Promise.all(
    Array.from({ length: 34 }, async (_, i) => {
      const state = await ask(keyOf(100 + i));
      if (state === 'undecided' && ++undecided === 2) twoWithoutPlace.resolve();
      return state;
    }),
  );
  // The lockout counts the others, too.
  expect(asked.filter((state) => state === 'refused')).toHaveLength(32);
  expect(asked.filter((state) => state === 'undecided')).toHaveLength(2);
  expect(most()).toBe(1);
  expect(await ask(keyOf(1))).toBe('row 1');
});

const connected = () => ({ destroyed: false, readableEnded: false });
const GONE = { destroyed: true, readableEnded: false };

type Ask = (key: RawKey, client: string) => Promise<string>;

/** Other clients, which ask when the first step begins. All steps wait until one of these clients gets no place. */
function crowdOf(ask: Ask, count: number) {
  const isFull = Promise.withResolvers<void>();
  const askAs = async (number: number) => {
    const state = await ask(RawKey(`${'x'.repeat(40)}${number}`), `client ${number}`);
    if (state === 'undecided') isFull.resolve();
    return state;
  };
  let asked: Promise<string>[] | undefined;
  return {
    come(): Promise<void> {
      asked ??= Array.from({ length: count }, (_, i) => askAs(i));
      return isFull.promise;
    },
    states: async () => (await Promise.all(asked ?? [])).sort(),
  };
}

/** All have places but one. */
const ONE_WITHOUT_PLACE = [...new Array<string>(32).fill('refused'), 'undecided'];

const TEN = Array.from({ length: 10 }, (_, i) => hashOf(i + 1));

test('a proof has steps of four hashes, and stops at the hash of the key', async () => {
  const { ask, compared } = await start(TEN);
  expect(await ask(WRONG)).toBe('refused');
  expect(compared).toEqual([4, 4, 2]);
  expect(await ask(keyOf(7))).toBe('row 7');
  expect(compared.slice(3)).toEqual([4, 4]);
});

test('a proof whose client is gone continues while nobody else waits', async () => {
  const { ask, compared } = await start(TEN);
  expect(await ask(keyOf(9), 'a client', GONE)).toBe('row 9');
  expect(compared).toEqual([4, 4, 2]);
});

test.each([
  ['is closed', GONE],
  ['has ended on the side of the client', { destroyed: false, readableEnded: true }],
])('a proof loses its place when its connection %s, and the next request continues', async (_, gone) => {
  const { ask, compared, duringSteps } = await start(TEN);
  const crowd = crowdOf(ask, 33);
  duringSteps(crowd.come);
  expect(await ask(keyOf(9), 'a client', gone)).toBe('undecided');
  expect(await crowd.states()).toEqual(ONE_WITHOUT_PLACE);
  compared.length = 0;
  expect(await ask(keyOf(9))).toBe('row 9');
  expect(compared).toEqual([4, 2]);
});

test('a proof keeps its place while one of the clients with its key is there', async () => {
  const { ask, duringSteps } = await start(TEN);
  const crowd = crowdOf(ask, 32);
  duringSteps(crowd.come);
  expect(await Promise.all([ask(WRONG, 'one', GONE), ask(WRONG, 'another', connected())])).toEqual([
    'refused',
    'refused',
  ]);
  expect(await crowd.states()).toEqual(ONE_WITHOUT_PLACE.slice(1));
});

test('a proof that continues leaves no row out when an older one is inactive', async () => {
  const { ask, sql, duringSteps } = await start(TEN);
  await sql('update api_keys set is_active = 0 where id = 2');
  const crowd = crowdOf(ask, 33);
  duringSteps(crowd.come);
  expect(await ask(keyOf(2), 'a client', GONE)).toBe('undecided');
  await crowd.states();
  expect(await ask(keyOf(2))).toBe('row 2');
});

test('a key of fewer than 32 characters is refused, although its digest is there', async () => {
  const short = RawKey('x'.repeat(31));
  const digest = createHash('sha256').update(short).digest('base64url');
  const { ask, compared } = await start([`sha256:${digest}`, hashSync(short, 4)]);
  expect(await ask(short)).toBe('refused');
  expect(compared).toEqual([]);
});

/** Threads for bcrypt whose comparisons end when the test says so. */
function heldThreads() {
  const found: ((index: number) => void)[] = [];
  const startThreads = (): HashingThreads => ({
    run: (task) =>
      task.do === 'find' ? new Promise<number>((resolve) => found.push(resolve)) : Promise.resolve('a hash'),
    close: async () => undefined,
  });
  return { found, startThreads };
}

test.each([
  ['GET', '/auth/verify', WRONG, undefined],
  ['GET', '/auth/keys', WRONG, undefined],
  ['POST', '/auth/verify', FIRST_KEY, { key: WRONG, ip: '198.51.100.7' }],
  ['POST', '/v1/chat/completions', WRONG, { model: 'any' }],
])('%s %s gives way to others when the client is gone', async (method, path, key, body) => {
  const { found, startThreads } = heldThreads();
  const running = await gatewayService(`api-keys: [${keyOf(9_998)}]`, { startThreads });
  const { origin: core, gatewayOrigin } = running;
  await register(running.send);
  const origin = path.startsWith('/v1/') ? gatewayOrigin : core;
  await addRows(running.dataDir, TEN);
  const send = (body: object | undefined, key: string) => {
    const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
    const asked = request(`${origin}${path}`, { method, headers });
    return asked.on('error', () => undefined).end(JSON.stringify(body));
  };
  const asked = send(body, key);
  await expect.poll(() => found.length).toBe(1);
  asked.destroy();
  // The service reads the end of the first connection before it answers on these.
  const answerOthers = async () => {
    for (let i = 0; i < 3; i++) await running.send({ path: '/health' });
  };
  await answerOthers();
  send(body && { ...body, ...('key' in body && { key: keyOf(9_997) }) }, key === WRONG ? keyOf(9_997) : key);
  await expect.poll(() => found.length).toBe(2);
  found[0]?.(-1);
  await answerOthers();
  expect(found).toHaveLength(2);
});

test.each([
  [1, 2],
  [4, 1],
])('with %i workers, each has %i threads for imported keys', async (workers, threads) => {
  const started: number[] = [];
  const running = await bootstrapped({
    config: { workers },
    startThreads: (maxThreads) => {
      started.push(maxThreads);
      return {
        run: async (task) => (task.do === 'find' ? -1 : 'a hash'),
        close: async () => undefined,
      };
    },
  });
  await addRows(running.dataDir, TEN);
  expect((await running.send({ path: '/auth/verify', key: WRONG })).status).toBe(401);
  expect(started.slice(1)).toEqual([threads]);
});

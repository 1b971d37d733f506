import { createHash } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createBcryptPool } from '../../src/keys/bcrypt-pool.ts';
import { fingerprinter } from '../../src/keys/digests.ts';
import { createProver } from '../../src/keys/prove.ts';
import { createForeignProver } from '../../src/keys/prove-foreign.ts';
import { RawKey } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { databaseFor, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

const keyOf = (number: number) => RawKey(`a-key-of-another-system-${String(number).padStart(48, '0')}`);
const WRONG = keyOf(9_999);

async function start(hashes: readonly string[]) {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(() => storage.close());
  const add = (some: readonly string[]) =>
    sqlIn(
      dataDir,
      `insert into api_keys (label, hint, fingerprint, hash, is_active, created_at, use_count, source)
        values ${some.map((hash, i) => `('row ${i + 1}', '', null, '${hash}', 1, 0, 0, 'imported')`).join(', ')}`,
    );
  if (hashes.length > 0) await add(hashes);
  const bcrypt = createBcryptPool(4, 1, () => undefined);
  onTestFinished(() => bcrypt.close());
  const compared: number[] = [];
  let running = 0;
  let most = 0;
  const { clock, pass } = fakeClock();
  const parts = { db: storage.db, clock };
  const foreign = createForeignProver({
    ...parts,
    bcrypt: {
      hash: bcrypt.hash,
      async find(task) {
        compared.push(task.hashes.length);
        most = Math.max(most, ++running);
        return bcrypt.find(task).finally(() => running--);
      },
    },
  });
  const prove = createProver({ ...parts, fingerprintOf: fingerprinter(storage.pepper), bcrypt, foreign });
  const ask = async (key: RawKey, client = 'a client') => {
    const proof = await prove(key, client);
    return proof.state === 'proven' ? proof.key.label : proof.state;
  };
  const rows = () => sqlIn(dataDir, 'select hint, hash, fingerprint from api_keys order by id');
  return { ask, add, compared, pass, rows, most: () => most };
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

test('a client has one proof at a time, and a place for a few more', async () => {
  const { ask, most } = await start([hashOf(1)]);
  const asked = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(keyOf(100 + i))));
  // The lockout counts the others, too.
  expect(asked.filter((state) => state === 'refused')).toHaveLength(9);
  expect(asked.filter((state) => state === 'undecided')).toHaveLength(3);
  expect(most()).toBe(1);
  await Promise.all([ask(keyOf(200), 'one'), ask(keyOf(201), 'another')]);
  expect(most()).toBe(2);
  expect(await ask(keyOf(1))).toBe('row 1');
});

test('a key of fewer than 32 characters is refused, although its digest is there', async () => {
  const short = RawKey('x'.repeat(31));
  const digest = createHash('sha256').update(short).digest('base64url');
  const { ask, compared } = await start([`sha256:${digest}`, hashSync(short, 4)]);
  expect(await ask(short)).toBe('refused');
  expect(compared).toEqual([]);
});

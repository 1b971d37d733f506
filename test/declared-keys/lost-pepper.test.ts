import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { fastReads, findKeysWithoutFingerprint } from '../../src/keys/store.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { declaring, type Line } from '../support/declared-keys.ts';
import {
  databaseFor,
  FIRST_KEY,
  register,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const LONG_KEY = 'team-b-key-def456-0123456789-0123456789';
const alike = (name: string) => `same-hint-of-${name}-0123456789-0123456789`;

/** A database whose pepper is new, as in docs/lost-pepper.md. @param limits the owner of each key, in the order of the file */
async function afterTheLoss(lines: readonly Line[], owners: readonly string[] = []) {
  const dataDir = temporaryDirectory();
  const before = await startService({ dataDir });
  await register(before.send);
  await (await declaring(dataDir))(lines);
  for (const [i, owner] of owners.entries()) {
    const body = { owner, allowed_ips: ['127.0.0.0/8'] };
    await before.send({ method: 'PATCH', path: `/auth/keys/${i + 2}`, key: FIRST_KEY, body });
  }
  await before.close();
  await sqlIn(dataDir, 'update api_keys set fingerprint = null');
  await sqlIn(dataDir, 'update database_identity set pepper_check = null');
  writeFileSync(join(dataDir, 'pepper'), randomBytes(32).toString('hex'));
  const { send } = await service({ dataDir });
  return {
    dataDir,
    declare: await declaring(dataDir),
    verify: async (key: string) => (await send({ path: '/auth/verify', key })).status,
    listed: async () =>
      (await send({ path: '/auth/keys?source=config&sort=created_at', key: FIRST_KEY })).json.keys.map(
        ({ id, owner, status }: Record<string, unknown>) => ({ id, owner, status }),
      ),
  };
}

describe('after the loss of the pepper', () => {
  test('the file makes the fingerprints again, and the keys keep their settings', async () => {
    const { declare, verify, listed } = await afterTheLoss(['team-a-key-abc123', LONG_KEY], ['a', 'b']);
    expect([await verify('team-a-key-abc123'), await verify(LONG_KEY)]).toEqual([401, 401]);
    expect(await declare(['team-a-key-abc123', LONG_KEY])).toMatchObject({
      added: [],
      removed: [],
      updated: 2,
    });
    expect([await verify('team-a-key-abc123'), await verify(LONG_KEY)]).toEqual([200, 200]);
    expect(await listed()).toEqual([
      { id: 2, owner: 'a', status: 'active' },
      { id: 3, owner: 'b', status: 'active' },
    ]);
    expect(await declare(['team-a-key-abc123', LONG_KEY])).toEqual({ state: 'unchanged' });
  });

  test('keys that look the same keep settings that are the same', async () => {
    const lines = [alike('a'), alike('b'), alike('c')];
    const { declare, verify, listed } = await afterTheLoss(lines, ['ops', 'ops', 'ops']);
    await declare(lines.toReversed());
    expect(await listed()).toEqual([2, 3, 4].map((id) => ({ id, owner: 'ops', status: 'active' })));
    expect(await Promise.all(lines.map(verify))).toEqual([200, 200, 200]);
  });

  test('keys that look the same never get the settings of another one', async () => {
    const lines = [alike('a'), alike('b')];
    const { declare, verify, listed } = await afterTheLoss(lines, ['a', 'b']);
    expect(await declare(lines)).toMatchObject({ forgotten: ['same-hint-of', 'same-hint-of'] });
    expect(await Promise.all(lines.map(verify))).toEqual([200, 200]);
    expect(await listed()).toEqual([
      { id: 2, owner: 'a', status: 'inactive' },
      { id: 3, owner: 'b', status: 'inactive' },
      { id: 4, owner: '', status: 'active' },
      { id: 5, owner: '', status: 'active' },
    ]);
  });

  test('a further key that looks the same does not take the settings of the old one', async () => {
    const { declare, listed } = await afterTheLoss([alike('a')], ['a']);
    expect(await declare([alike('new'), alike('a')])).toMatchObject({ forgotten: expect.any(Array) });
    expect((await listed()).filter(({ status }: { status: string }) => status === 'active')).toEqual([
      { id: 3, owner: '', status: 'active' },
      { id: 4, owner: '', status: 'active' },
    ]);
  });

  test('labels tell keys apart that look the same', async () => {
    const lines: Line[] = [
      [alike('a'), 'A'],
      [alike('b'), 'B'],
    ];
    const { declare, listed } = await afterTheLoss(lines, ['a', 'b']);
    await declare(lines.toReversed());
    expect((await listed()).map(({ owner }: { owner: string }) => owner)).toEqual(['a', 'b']);
  });

  test('only the rows with a hash wait for bcrypt', async () => {
    const { dataDir } = await afterTheLoss([LONG_KEY]);
    const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
    const { db, services, close } = await openStorage(config, createLogger('silent', { write: () => {} }));
    onTestFinished(close);
    const { hasKeyWithoutFingerprint } = fastReads(db, services.reader);
    expect(await hasKeyWithoutFingerprint()).toBe(true);
    await sqlIn(dataDir, 'delete from api_keys where id = 1');
    await new Promise(setImmediate);
    expect(await hasKeyWithoutFingerprint()).toBe(false);
    const row = { hint: LONG_KEY.slice(0, 12), after: KeyId(0), limit: 9 };
    expect(await findKeysWithoutFingerprint(db, row)).toEqual([]);
  });
});

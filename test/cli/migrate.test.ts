import { join } from 'node:path';
import { expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { sqlIn, temporaryDirectory } from '../support/keyhearth.ts';
import { oldDirectory } from '../support/old-database.ts';
import { keyhearth } from './command.ts';

const migrated = async (dataDir: string) =>
  (await sqlIn(dataDir, 'select name from kysely_migration order by name')).map(({ name }) => name);

test('an old database gets the newest schema, and a second time changes nothing', async () => {
  const dataDir = await oldDirectory();
  expect(await migrated(dataDir)).toHaveLength(3);
  for (const _ of ['once', 'again']) {
    expect(await keyhearth(['migrate'], { env: { KEYHEARTH_DATA_DIR: dataDir } })).toEqual({
      ...{ code: 0, stdout: '' },
      stderr: expect.stringMatching(/^The database is up to date: .*keyhearth\.db\n$/),
    });
    expect(await migrated(dataDir)).toEqual(Object.keys(migrations));
  }
});

test('no database is a mistake in the settings, and none is made', async () => {
  const dataDir = join(temporaryDirectory(), 'data');
  const { code, stderr } = await keyhearth(['migrate'], { env: { KEYHEARTH_DATA_DIR: dataDir } });
  expect(code).toBe(4);
  expect(stderr).toMatch(/^keyhearth: There is no database at .*KEYHEARTH_DATA_DIR/);
});

test('a bad setting is refused in a sentence', async () => {
  const { code, stderr } = await keyhearth(['migrate'], { env: { PORT: 'geheim' } });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^keyhearth: PORT [^\n]+\n$/);
  expect(stderr).not.toContain('geheim');
});

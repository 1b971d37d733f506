import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { createLogger } from '../src/lib/logger.ts';
import { StartupError } from '../src/lib/startup-error.ts';
import { openStorage } from '../src/storage.ts';
import { databaseFor, temporaryDirectory } from './support/keyhearth.ts';
import { expectClosed, openHandles } from './support/open-handles.ts';

const silent = createLogger('silent', { write: () => undefined });

/** A data directory with a database that was closed as it should be. */
async function closedStorage() {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const open = () => openStorage(config, silent);
  const storage = await open();
  expect(await openHandles(dataDir)).not.toEqual([]);
  await storage.close();
  await expectClosed(dataDir);
  return { dataDir, open, pepper: join(dataDir, 'pepper') };
}

test.each<[string, (pepper: string) => void, RegExp]>([
  ['is missing', (pepper) => rmSync(pepper), /is missing/],
  ['can be read by others', (pepper) => chmodSync(pepper, 0o644), /chmod 600/],
  ['is malformed', (pepper) => writeFileSync(pepper, 'ab'), /is not 32 bytes/],
  ['belongs to another database', (pepper) => writeFileSync(pepper, 'ab'.repeat(32)), /does not fit/],
])('a database is closed again when its pepper %s', async (_, harm, sentence) => {
  const { dataDir, open, pepper } = await closedStorage();
  const content = readFileSync(pepper, 'utf8');
  harm(pepper);
  const files = readdirSync(dataDir);
  const failed = open();
  await expect(failed).rejects.toThrow(StartupError);
  await expect(failed).rejects.toThrow(sentence);
  await expectClosed(dataDir);
  expect(readdirSync(dataDir)).toEqual(files);

  rmSync(pepper, { force: true });
  writeFileSync(pepper, content, { mode: 0o600 });
  const storage = await open();
  await storage.close();
});

import { expect, onTestFinished, test } from 'vitest';
import { createAuditLog } from '../../src/audit/log.ts';
import { parseConfig } from '../../src/config.ts';
import { KeyId } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { databaseFor, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

test('a search in a long log ends when nobody waits for it any more', async () => {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(storage.close);
  await sqlIn(
    dataDir,
    `insert into audit_events (at, action, actor_kind, actor_id, key_id, changes)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
     select i, 'key.updated', 'key', 1, 2, '{}' from n`,
  );
  const { page } = createAuditLog(storage.db);
  const nothing = { keyId: KeyId(2), actorKey: KeyId(1), action: 'key.deleted' } as const;
  let asked = 0;
  const wantedFor = (steps: number) => () => ++asked <= steps;
  expect((await page(nothing, 10, undefined, wantedFor(100))).events).toEqual([]);
  expect(asked).toBe(5);
  asked = 0;
  await page(nothing, 10, undefined, wantedFor(1));
  expect(asked).toBe(2);
});

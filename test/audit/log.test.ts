import { expect, onTestFinished, test } from 'vitest';
import type { Position, Selection } from '../../src/audit/event.ts';
import { createAuditLog } from '../../src/audit/log.ts';
import { parseConfig } from '../../src/config.ts';
import { EventId, KeyId } from '../../src/lib/brand.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openStorage } from '../../src/storage.ts';
import { databaseFor, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

async function openLog() {
  const dataDir = temporaryDirectory();
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) });
  const storage = await openStorage(config, createLogger('silent', { write: () => undefined }));
  onTestFinished(storage.close);
  return { log: createAuditLog(storage.db), dataDir };
}

const insert = (dataDir: string, events: number, at = 'i') =>
  sqlIn(
    dataDir,
    `insert into audit_events (at, action, actor_kind, actor_id, key_id, changes)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < ${events})
     select ${at}, 'key.updated', 'key', 1, 2, '{}' from n`,
  );

test('a search in a long log ends when nobody waits for it any more', async () => {
  const { log, dataDir } = await openLog();
  await insert(dataDir, 5_000);
  const { page } = log;
  const nothing = { keyId: KeyId(2), actorKey: KeyId(1), action: 'key.deleted' } as const;
  let asked = 0;
  const reader = (steps: number) => ({ client: 'key 1', isWanted: () => ++asked <= steps });
  expect((await page(nothing, 10, undefined, reader(100))).events).toEqual([]);
  expect(asked).toBe(5);
  asked = 0;
  await page(nothing, 10, undefined, reader(1));
  expect(asked).toBe(2);
});

const all = { client: 'key 1', isWanted: () => true };

test('the events of one millisecond are in pages as fast as all others', async () => {
  const { log, dataDir } = await openLog();
  for (let i = 0; i < 4; i++) await insert(dataDir, 50_000, '1000');
  for (const selection of [{}, { keyId: KeyId(2) }, { actorKey: KeyId(1), action: 'key.updated' as const }]) {
    const fastest = async (id: number) => {
      let ms = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 10; i++) {
        const start = performance.now();
        const { events } = await log.page(selection, 5, { at: 1_000, id: EventId(id) }, all);
        ms = Math.min(ms, performance.now() - start);
        expect(events.map((event) => event.id)).toEqual([1, 2, 3, 4, 5].map((back) => id - back));
      }
      return ms;
    };
    expect(await fastest(100)).toBeLessThan(3 * (await fastest(200_000)) + 2);
  }
});

test('pages and steps go on within a millisecond and behind it', async () => {
  const { log, dataDir } = await openLog();
  await insert(dataDir, 3_000, '1000 + i / 1300');
  const rare = { actorKey: KeyId(1), keyId: KeyId(2), action: 'key.updated' } as const;
  for (const selection of [{}, rare, { from: 1_001 }, { ...rare, from: 1_001, to: 1_002 }]) {
    const streamed = [];
    for await (const events of log.read(selection, all)) streamed.push(...events);
    const { from = 0, to = 9_999 }: Selection = selection;
    const expected = Array.from({ length: 3_000 }, (_, i) => 3_000 - i).filter((id) => {
      const at = 1_000 + Math.floor(id / 1_300);
      return at >= from && at < to;
    });
    expect(streamed.map(({ id }) => id)).toEqual(expected);
    const paged = [];
    let position: Position | undefined;
    do {
      const { events, next } = await log.page(selection, 70, position, all);
      paged.push(...events);
      position = next;
    } while (position);
    expect(paged).toEqual(streamed);
  }
});

test('a page of long events is shorter than its limit', async () => {
  const { log, dataDir } = await openLog();
  await insert(dataDir, 100);
  await sqlIn(
    dataDir,
    `update audit_events set changes = '{"label": {"from": "", "to": "${'x'.repeat(28_000)}"}}'`,
  );
  const { events, next } = await log.page({}, 1_000, undefined, all);
  expect(events).toHaveLength(35);
  expect((await log.page({}, 1_000, next, all)).events[0]?.id).toBe(65);
});

test('a client with many searches does not make another one wait for all of them', async () => {
  const { log, dataDir } = await openLog();
  await insert(dataDir, 20_000);
  const nothing = { keyId: KeyId(2), action: 'key.deleted' } as const;
  const finished: string[] = [];
  await Promise.all(
    ['a', 'a', 'a', 'a', 'b'].map(async (client) => {
      await log.page(nothing, 10, undefined, { ...all, client });
      finished.push(client);
    }),
  );
  expect(finished).toEqual(['b', 'a', 'a', 'a', 'a']);
});

test('too many searches are refused, and those of the client with the most are the first', async () => {
  const { log } = await openLog();
  const search = (client: string) =>
    log.page({}, 10, undefined, { ...all, client }).then(
      () => 'read',
      (error) => error.failure.code,
    );
  const greedy = Array.from({ length: 120 }, () => search('a'));
  expect(await search('b')).toBe('read');
  const results = await Promise.all(greedy);
  expect(results.filter((result) => result === 'database_busy')).toHaveLength(20);
});

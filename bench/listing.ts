import { join } from 'node:path';
import type { CompiledQuery } from 'kysely';
import { pino } from 'pino';
import { databaseMemory } from '../src/db/memory.ts';
import { migrate } from '../src/db/migrate.ts';
import { createOutages } from '../src/db/outages.ts';
import { openSqlite } from '../src/db/sqlite/open.ts';
import type { Db } from '../src/db/tables.ts';
import { formatCursor, SORTS, type Sort } from '../src/keys/cursor.ts';
import { createKeyListing } from '../src/keys/listing.ts';
import type { Filters } from '../src/keys/listing-query.ts';
import { KeyId, Scope } from '../src/lib/brand.ts';
import { progress, runCommand } from './command.ts';
import { type Distribution, fillForList } from './listing-data.ts';
import { migrationTime } from './migration.ts';
import { makeWorkDirectory } from './processes.ts';
import { median } from './statistics.ts';

const viewer = { api: 'core', principal: { kind: 'key', account: null } } as const;

/** The time of pages of a long list at the database, and of the upgrade of a large old database. */

const MILLION = 1_000_000;
const REPEATS = 5;
const LIMIT = 100;

const inOrder: readonly Sort[] = ['-created_at', 'created_at'];

/** One filter or none. */
const SINGLE: readonly [Filters, readonly Sort[]][] = [
  [{}, SORTS],
  ...(['active', 'inactive', 'expired'] as const).map((status): [Filters, readonly Sort[]] => [
    { status },
    inOrder,
  ]),
  ...(['*', 'invoices:read', 'rare:read', 'none'] as const).map((scope): [Filters, readonly Sort[]] => [
    { scope: Scope(scope) },
    inOrder,
  ]),
  ...(['registered', 'created', 'imported'] as const).map((source): [Filters, readonly Sort[]] => [
    { source },
    inOrder,
  ]),
  ...['kh', 'acme', 'none'].map((prefix): [Filters, readonly Sort[]] => [{ prefix }, inOrder]),
];

/** Parts of a text, and combinations. */
const COMBINED: readonly [Filters, readonly Sort[]][] = [
  [{ label: 'service' }, SORTS],
  [{ label: 'needle' }, SORTS],
  [{ label: 'nothing at all' }, SORTS],
  [{ owner: 'TEAM-4999@' }, SORTS],
  [{ label: 'service', owner: 'team', status: 'active' }, SORTS],
  [{ scope: Scope('invoices:read'), status: 'expired' }, SORTS],
  [{ scope: Scope('rare:read'), source: 'created', prefix: 'kh' }, SORTS],
];

export type ListingFigures = { singleMs: number; combinedMs: number; migrationMs: number };

type Slowest = { ms: number; what: string };

async function slowestPage(
  db: Db,
  cases: readonly [Filters, readonly Sort[]][],
  now: number,
): Promise<Slowest> {
  // Not in a thread: the time at the database is what counts here.
  const slowReader = {
    all: async <Row>(query: CompiledQuery<Row>) => (await db.executeQuery(query)).rows,
  };
  const listing = createKeyListing({ db, slowReader, clock: { now: () => now } });
  const positions = await Promise.all(
    [MILLION / 2, MILLION - 200, 200].map((id) =>
      db.selectFrom('api_keys').selectAll().where('id', '=', KeyId(id)).executeTakeFirstOrThrow(),
    ),
  );
  let slowest = { ms: 0, what: '' };
  for (const [filters, sorts] of cases) {
    for (const sort of sorts) {
      const cursors = positions.map(({ id, ...row }) => {
        const value = sort.endsWith('created_at')
          ? row.created_at
          : sort.endsWith('expires_at')
            ? (row.expires_at ?? Number.MAX_SAFE_INTEGER)
            : (row.last_used_at ?? -1);
        return formatCursor(sort, { value, id });
      });
      for (const cursor of [undefined, ...cursors]) {
        const times: number[] = [];
        for (let i = 0; i < REPEATS; i++) {
          const start = performance.now();
          await listing.list({ filters, sort, limit: LIMIT, cursor, viewer, client: '' });
          times.push(performance.now() - start);
        }
        const ms = median(times);
        if (ms > slowest.ms) slowest = { ms, what: JSON.stringify({ ...filters, sort, isFirst: !cursor }) };
      }
    }
  }
  return slowest;
}

/** The slowest pages of both distributions, and the time of an upgrade. */
export async function measureListing(
  directory: string,
  onProgress: (text: string) => void,
): Promise<ListingFigures> {
  const figures = { singleMs: 0, combinedMs: 0 };
  const now = Date.now();
  for (const distribution of ['usual', 'worst'] satisfies Distribution[]) {
    onProgress(`listing 1,000,000 keys, the ${distribution} case`);
    const path = join(directory, `list-${distribution}.db`);
    const memory = databaseMemory();
    const { db } = await openSqlite(
      path,
      createOutages(memory.outages, pino({ level: 'silent' })),
      memory.file,
    );
    await migrate(db);
    fillForList(path, distribution, MILLION, now);
    const single = await slowestPage(db, SINGLE, now);
    const combined = await slowestPage(db, COMBINED, now);
    onProgress(`the slowest page: ${single.ms.toFixed(1)} ms ${single.what}`);
    onProgress(`of parts and combinations: ${combined.ms.toFixed(0)} ms ${combined.what}`);
    await db.destroy();
    figures.singleMs = Math.max(figures.singleMs, single.ms);
    figures.combinedMs = Math.max(figures.combinedMs, combined.ms);
  }
  onProgress('upgrading 1,000,000 keys');
  return { ...figures, migrationMs: await migrationTime(directory, MILLION) };
}

async function run(): Promise<void> {
  const { singleMs, combinedMs, migrationMs } = await measureListing(
    makeWorkDirectory('keyhearth-listing-'),
    progress,
  );
  process.stdout.write(
    `page of one filter or sort: ${singleMs.toFixed(1)} ms\nparts and combinations: ${combinedMs.toFixed(0)} ms\n` +
      `upgrade to the first 200: ${(migrationMs / 1_000).toFixed(1)} s\n`,
  );
}

if (import.meta.main) await runCommand('bench:listing', run);

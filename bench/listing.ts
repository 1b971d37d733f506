import { formatCursor, SORTS, type Sort } from '../src/keys/cursor.ts';
import { createKeyListing } from '../src/keys/listing.ts';
import type { Filters } from '../src/keys/listing-query.ts';
import { KeyId, Scope } from '../src/lib/brand.ts';
import { progress, runCommand } from './command.ts';
import type { Distribution } from './listing-data.ts';
import { type Listed, onPostgres, onSqlite } from './listing-engines.ts';
import { migrationTime } from './migration.ts';
import { makeWorkDirectory } from './processes.ts';
import { median } from './statistics.ts';

const viewer = { api: 'core', principal: { kind: 'key', account: null } } as const;

/** The time of pages of a long list at the database, and of the upgrade of a large old database. */

const MILLION = 1_000_000;
const REPEATS = 3;
const WARM_UP = 50;
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

const invoices = Scope('invoices:read');

/** Parts of a text, and combinations: of a filter and another sort, or of several filters. */
const COMBINED: readonly [Filters, readonly Sort[]][] = [
  ...['service', 'needle', 'nothing at all', '77'].map((label) => ({ label })),
  ...['TEAM-4999@', 'example', 'nobody'].map((owner) => ({ owner })),
  ...(['active', 'inactive', 'expired'] as const).flatMap((status) => [
    { status },
    { status, label: 'service' },
    { status, label: 'service', owner: 'team' },
    { status, scope: invoices },
  ]),
  ...[{ source: 'imported' as const }, { prefix: 'acme' }, { scope: Scope('*') }, { scope: invoices }],
  { scope: Scope('rare:read'), source: 'created' as const, prefix: 'kh' },
  { label: 'service', source: 'imported' as const, prefix: 'acme' },
  {
    ...{ label: 'service', owner: 'team', status: 'active' as const },
    ...{ scope: invoices, source: 'created' as const, prefix: 'kh' },
  },
].map((filters: Filters): [Filters, readonly Sort[]] => [filters, SORTS]);

/** Milliseconds of the slowest page: with one filter or one sort, and of the others. */
type Slowest = { singleMs: number; combinedMs: number };

export type ListingFigures = Slowest & { postgres: Slowest; migrationMs: number };

type Page = { ms: number; what: string };

async function slowestPage(
  { db, slowReader }: Listed,
  cases: readonly [Filters, readonly Sort[]][],
  now: number,
  after: readonly number[],
): Promise<Page> {
  const listing = createKeyListing({ db, slowReader, clock: { now: () => now } });
  const positions = await Promise.all(
    after.map((id) =>
      db.selectFrom('api_keys').selectAll().where('id', '=', KeyId(id)).executeTakeFirstOrThrow(),
    ),
  );
  let slowest = { ms: 0, what: '' };
  // The first pages after so many writes are those of an engine that is still busy.
  for (let i = 0; i < WARM_UP; i++)
    await listing.list({
      filters: {},
      sort: '-created_at',
      limit: LIMIT,
      cursor: undefined,
      client: '',
      viewer,
    });
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

const ENGINES = { SQLite: onSqlite, PostgreSQL: onPostgres };

async function slowestPages(
  engine: keyof typeof ENGINES,
  directory: string,
  onProgress: (text: string) => void,
): Promise<Slowest> {
  const slowest = { singleMs: 0, combinedMs: 0 };
  const now = Date.now();
  for (const distribution of ['usual', 'worst'] satisfies Distribution[]) {
    onProgress(`listing 1,000,000 keys, ${engine}, the ${distribution} case`);
    const listed = await ENGINES[engine](directory, { distribution, count: MILLION, now });
    const single = await slowestPage(listed, SINGLE, now, [MILLION / 2, MILLION - 200, 200]);
    onProgress(`the slowest page: ${single.ms.toFixed(1)} ms ${single.what}`);
    const combined = await slowestPage(listed, COMBINED, now, [MILLION / 2]);
    onProgress(`of parts and combinations: ${combined.ms.toFixed(0)} ms ${combined.what}`);
    await listed.close();
    slowest.singleMs = Math.max(slowest.singleMs, single.ms);
    slowest.combinedMs = Math.max(slowest.combinedMs, combined.ms);
  }
  return slowest;
}

/** The slowest pages of both distributions, and the time of an upgrade. */
export async function measureListing(
  directory: string,
  onProgress: (text: string) => void,
): Promise<ListingFigures> {
  const slowest = await slowestPages('SQLite', directory, onProgress);
  const postgres = await slowestPages('PostgreSQL', directory, onProgress);
  onProgress('upgrading 1,000,000 keys');
  return { ...slowest, postgres, migrationMs: await migrationTime(directory, MILLION) };
}

const rendered = ({ singleMs, combinedMs }: Slowest) =>
  `page of one filter or sort: ${singleMs.toFixed(1)} ms\nparts and combinations: ${combinedMs.toFixed(0)} ms\n`;

async function run(): Promise<void> {
  const { postgres, migrationMs, ...sqlite } = await measureListing(
    makeWorkDirectory('keyhearth-listing-'),
    progress,
  );
  process.stdout.write(
    `SQLite\n${rendered(sqlite)}PostgreSQL\n${rendered(postgres)}` +
      `upgrade to the first 200: ${(migrationMs / 1_000).toFixed(1)} s\n`,
  );
}

if (import.meta.main) await runCommand('bench:listing', run);

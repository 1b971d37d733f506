import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SlowReader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { firstPage } from '../lib/page.ts';
import { formatCursor, type Position, parseCursor, type Sort } from './cursor.ts';
import type { ApiKey } from './key.ts';
import {
  accountPage,
  type Filters,
  firstRows,
  indexedPage,
  type ListedRow,
  type ListQuery,
  scannedPage,
  statusPage,
} from './listing-query.ts';
import { type Reach, reachOf, type Viewer } from './reach.ts';
import { toApiKey } from './row.ts';

/** So many keys are read at once where an index has them in order. Other requests are served in between. */
const AT_ONCE = 200;

/** `nextCursor`: absent on the last page. A page of long keys has fewer keys than its limit. */
export type KeyPage = Readonly<{ keys: ApiKey[]; nextCursor: string | undefined }>;

export type ListRequest = Readonly<{
  filters: Filters;
  sort: Sort;
  limit: number;
  /** The `nextCursor` of the previous page. */
  cursor: string | undefined;
  /** Keys that the viewer does not reach are left out. */
  viewer: Viewer;
  /** Slow reads of clients have turns. */
  client: string;
}>;

export type KeyListing = ReturnType<typeof createKeyListing>;

export type KeyListingParts = { db: Db; slowReader: SlowReader; clock: Pick<Clock, 'now'> };

/** Lists keys in pages. A key that does not change meanwhile is in one page, whatever happens to other keys. */
export function createKeyListing({ db, slowReader, clock }: KeyListingParts) {
  async function* read(query: ListQuery, client: string): AsyncGenerator<readonly ListedRow[]> {
    const isIndexed = !accountPage(db, query) && indexedPage(db, query) !== undefined;
    if (isIndexed) yield* readInSteps(query);
    else yield await readSlowly(query, client);
  }

  async function* readInSteps(query: ListQuery): AsyncGenerator<readonly ListedRow[]> {
    let { after, limit: left } = query;
    while (left > 0) {
      const limit = Math.min(left, AT_ONCE);
      const step = indexedPage(db, { ...query, after, limit });
      if (!step) return;
      const { rows } = await db.executeQuery(step);
      yield rows;
      const last = rows.at(-1);
      if (!last || rows.length < limit) return;
      after = { value: last.sort_value, id: last.id };
      left -= limit;
      if (left > 0) await nextTurn();
    }
  }

  async function readSlowly(query: ListQuery, client: string): Promise<readonly ListedRow[]> {
    const whole = accountPage(db, query) ?? statusPage(db, query);
    if (whole) return slowReader.all(whole, client);
    // Where many keys match, the page is full after a few rows. Otherwise every key has to be read.
    const found = await slowReader.all(firstRows(db, query), client);
    return found.length === query.limit ? found : slowReader.all(scannedPage(db, query), client);
  }

  return {
    /** @throws DomainError `invalid_request` for a cursor of another sort */
    async list({ filters: asked, sort, limit, cursor, viewer, client }: ListRequest): Promise<KeyPage> {
      const reach = reachOf(viewer);
      // The keys of another account do not exist for this one.
      if (reach.to === 'account' && asked.account !== undefined && asked.account !== reach.id)
        return { keys: [], nextCursor: undefined };
      const filters = { ...asked, ...filtersOf(reach) };
      const after = cursor === undefined ? undefined : positionOf(cursor, sort);
      // One more than the page has shows whether there is a next page.
      const query = { filters, sort, limit: limit + 1, after, now: clock.now() };
      const { items, hasMore } = await firstPage(read(query, client), limit);
      const last = hasMore ? items.at(-1) : undefined;
      return {
        keys: items.map(toApiKey),
        nextCursor: last && formatCursor(sort, { value: last.sort_value, id: last.id }),
      };
    },
  };
}

function filtersOf(reach: Reach): Filters {
  switch (reach.to) {
    case 'every':
      return {};
    case 'account':
      return { account: reach.id };
    case 'prefix':
      return { prefix: reach.prefix };
  }
}

function positionOf(cursor: string, sort: Sort): Position {
  const parsed = parseCursor(cursor);
  if (parsed?.sort === sort) return parsed.position;
  const message = parsed
    ? `belongs to the sort ${parsed.sort}: send it with that sort, or leave it out to begin again`
    : 'must be the next_cursor of an earlier page';
  throw new DomainError({ code: 'invalid_request', errors: [{ path: 'cursor', message }] });
}

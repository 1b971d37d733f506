import type { SlowReader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
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

export type KeyPage = Readonly<{ keys: ApiKey[]; nextCursor: string | undefined }>;

export type ListRequest = Readonly<{
  filters: Filters;
  sort: Sort;
  limit: number;
  /** The `nextCursor` of the previous page. */
  cursor: string | undefined;
  /** Keys that the viewer does not reach are left out. */
  viewer: Viewer;
}>;

export type KeyListing = ReturnType<typeof createKeyListing>;

export type KeyListingParts = { db: Db; slowReader: SlowReader; clock: Pick<Clock, 'now'> };

/** Lists keys in pages. A key that does not change meanwhile is in one page, whatever happens to other keys. */
export function createKeyListing({ db, slowReader, clock }: KeyListingParts) {
  async function read(query: ListQuery): Promise<readonly ListedRow[]> {
    const ofAccount = accountPage(db, query);
    if (ofAccount) return slowReader.all(ofAccount);
    const indexed = indexedPage(db, query);
    if (indexed) return (await db.executeQuery(indexed)).rows;
    const ofStatus = statusPage(db, query);
    if (ofStatus) return slowReader.all(ofStatus);
    // Where many keys match, the page is full after a few rows. Otherwise every key has to be read.
    const first = firstRows(db, query);
    const found = first ? await slowReader.all(first) : [];
    return found.length === query.limit ? found : slowReader.all(scannedPage(db, query));
  }

  return {
    /** @throws DomainError `invalid_request` for a cursor of another sort */
    async list({ filters: asked, sort, limit, cursor, viewer }: ListRequest): Promise<KeyPage> {
      const filters = { ...asked, ...filtersOf(reachOf(viewer)) };
      const after = cursor === undefined ? undefined : positionOf(cursor, sort);
      // One more than the page has shows whether there is a next page.
      const rows = await read({ filters, sort, limit: limit + 1, after, now: clock.now() });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      return {
        keys: page.map(toApiKey),
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

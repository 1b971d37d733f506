import { type RawBuilder, sql } from 'kysely';
import { foldedText, scanned } from '../db/differences.ts';
import type { Db } from '../db/tables.ts';
import type { AccountId, KeyId, Scope } from '../lib/brand.ts';
import { fold } from '../lib/fold.ts';
import type { Position, Sort, SortedBy } from './cursor.ts';
import type { KeySource, KeyStatus } from './key.ts';
import { columns, type KeyRow } from './row.ts';
import { ALL_SCOPES } from './scopes.ts';

/** The SQL of a page of keys. The names of the indexes are those of `migrations/0008_listing.ts`. */

export type Filters = Readonly<{
  /** A part of the label, whatever its case. */
  label?: string | undefined;
  owner?: string | undefined;
  status?: KeyStatus | undefined;
  /** A scope of the list of the key, as it is there. Wildcards have no meaning. */
  scope?: Scope | undefined;
  source?: KeySource | undefined;
  prefix?: string | undefined;
  /** The account that the keys belong to. */
  account?: AccountId | undefined;
}>;

export type ListQuery = Readonly<{
  filters: Filters;
  sort: Sort;
  limit: number;
  after: Position | undefined;
  /** Milliseconds since 1970. */
  now: number;
}>;

/** `sort_value`: the place of the row in the sort. */
export type ListedRow = KeyRow & { sort_value: number };

type Place = { id: KeyId; sort_value: number };
type Condition = RawBuilder<boolean>;
/** Rows that an index has in the order of the sort. */
type Rows = Readonly<{ from: RawBuilder<unknown>; where: readonly Condition[] }>;

/** The number of rows among which a full page is looked for, before all keys are read. */
const ROWS_TO_TRY = 5_000;

/**
 * Each index has the same expression. A key that was never used comes before all others, and a key that never expires
 * comes after them.
 */
const sortValues: Readonly<Record<SortedBy, RawBuilder<number>>> = {
  created_at: sql`created_at`,
  last_used_at: sql`coalesce(last_used_at, -1)`,
  expires_at: sql`coalesce(expires_at, 9007199254740991)`,
};

const apiKeys = sql`api_keys`;
// Constants are not parameters, because the partial indexes need constants.
const isInactive: Condition = sql`is_active = 0`;
const isCurrent: Condition = sql`is_active = 1 and is_expired = 0`;
const isMarkedExpired: Condition = sql`is_active = 1 and is_expired = 1`;
const isUnlimited: Condition = sql`scopes = '*'`;

function orderOf(sort: Sort) {
  const by = (sort.startsWith('-') ? sort.slice(1) : sort) as SortedBy;
  const direction = sort === by ? ('asc' as const) : ('desc' as const);
  return {
    by,
    value: sortValues[by],
    direction,
    order: sql.raw(direction),
    beyond: sql.raw(sort === by ? '>' : '<'),
  };
}

const names = (filters: Filters) =>
  Object.entries(filters)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);

/**
 * The rows of a query that an index has in the right order: without a filter, and for one filter in the order of
 * creation. Undefined for all others.
 */
function indexedRows({ filters, sort }: ListQuery): Rows | undefined {
  const { status, scope, source, prefix } = filters;
  const given = names(filters);
  if (given.length === 0) return { from: apiKeys, where: [] };
  if (given.length > 1 || orderOf(sort).by !== 'created_at') return undefined;
  if (status === 'inactive') return { from: apiKeys, where: [isInactive] };
  if (scope === ALL_SCOPES) return { from: apiKeys, where: [isUnlimited] };
  if (scope !== undefined) return { from: sql`api_key_scopes`, where: [sql`scope = ${scope}`] };
  if (source !== undefined) return { from: apiKeys, where: [sql`source = ${source}`] };
  if (prefix !== undefined) return { from: apiKeys, where: [sql`prefix = ${prefix}`] };
  return undefined;
}

/** A page that costs the same for any number of keys. Undefined when there is no index for it. */
export function indexedPage(db: Db, query: ListQuery) {
  const rows = indexedRows(query);
  return rows && fetched(db, query, merged(query, places(query, rows))).compile();
}

/**
 * A page of active or expired keys. It costs more while many keys have expired since the last sweep. Undefined for other
 * queries.
 */
export function statusPage(db: Db, query: ListQuery) {
  const { filters, sort, now } = query;
  const { status } = filters;
  if (names(filters).length > 1 || orderOf(sort).by !== 'created_at') return undefined;
  if (status === 'active') {
    const rows = {
      from: apiKeys,
      where: [isCurrent, sql<boolean>`(expires_at is null or expires_at > ${now})`],
    };
    return fetched(db, query, merged(query, places(query, rows))).compile();
  }
  if (status !== 'expired') return undefined;
  const unmarked = place(query, {
    from: scanned(db, 'api_keys', 'api_keys_ending'),
    where: [isCurrent, sql`expires_at <= ${now}`, ...isAfter(query)],
  });
  const marked = places(query, { from: apiKeys, where: [isMarkedExpired] });
  return fetched(db, query, merged(query, [...marked, unmarked])).compile();
}

/** The rows among the first few thousand of the sort that match. Undefined when all keys can be read in that order. */
export function firstRows(db: Db, query: ListQuery) {
  if (orderOf(query.sort).by === 'created_at') return undefined;
  const tried = { ...query, limit: ROWS_TO_TRY };
  const first = merged(tried, places(tried, { from: apiKeys, where: [] }));
  const matching = sql.join([sql`true`, ...conditions(db, query)], sql` and `);
  return fetched(db, query, first).where(sql<boolean>`${matching}`).limit(query.limit).compile();
}

/** A page of the keys of one account, which an index finds. Undefined for other queries. */
export function accountPage(db: Db, query: ListQuery) {
  const { account } = query.filters;
  if (account === undefined) return undefined;
  const where = [sql<boolean>`account_id = ${account}`, ...isAfter(query), ...conditions(db, query)];
  return fetched(db, query, place(query, { from: apiKeys, where })).compile();
}

/** Any page. Every key is read, from a narrow index. */
export function scannedPage(db: Db, query: ListQuery) {
  const rows = {
    from: scanned(db, 'api_keys', 'api_keys_listing'),
    where: [...isAfter(query), ...conditions(db, query)],
  };
  return fetched(db, query, place(query, rows)).compile();
}

/** The conditions that cost least come first. */
function conditions(db: Db, { filters, now }: ListQuery): Condition[] {
  const { label, owner, status, scope, source, prefix } = filters;
  const found: Condition[] = [];
  if (status === 'inactive') found.push(isInactive);
  if (status === 'active') found.push(isCurrent, sql`(expires_at is null or expires_at > ${now})`);
  if (status === 'expired') found.push(sql`is_active = 1 and (is_expired = 1 or expires_at <= ${now})`);
  if (source !== undefined) found.push(sql`source = ${source}`);
  if (prefix !== undefined) found.push(sql`prefix = ${prefix}`);
  if (scope === ALL_SCOPES) found.push(isUnlimited);
  else if (scope !== undefined)
    found.push(sql`' ' || scopes || ' ' like ${containing(` ${scope} `)} escape '!'`);
  if (label !== undefined) found.push(contains(foldedText(db, 'label'), label));
  if (owner !== undefined) found.push(contains(foldedText(db, 'owner'), owner));
  return found;
}

const contains = (text: RawBuilder<string>, part: string): Condition =>
  sql`${text} like ${containing(fold(part))} escape '!'`;

const containing = (part: string) => `%${part.replaceAll(/[!%_]/g, '!$&')}%`;

function isAfter({ sort, after }: ListQuery): Condition[] {
  if (!after) return [];
  const { value, beyond } = orderOf(sort);
  return [
    sql`${value} ${beyond}= ${after.value} and (${value} ${beyond} ${after.value} or id ${beyond} ${after.id})`,
  ];
}

function place({ sort, limit }: ListQuery, { from, where }: Rows): RawBuilder<Place> {
  const { value, order } = orderOf(sort);
  const matching = where.length > 0 ? sql`where ${sql.join(where, sql` and `)}` : sql``;
  return sql`select id, ${value} as sort_value from ${from} ${matching}
    order by ${value} ${order}, id ${order} limit ${limit}`;
}

/**
 * The keys with the same value, and then the others: an index answers each, however many keys have the same value. SQLite
 * uses only the first half of a comparison with both.
 */
function places(query: ListQuery, { from, where }: Rows): RawBuilder<Place>[] {
  const { sort, after } = query;
  if (!after) return [place(query, { from, where })];
  const { value, beyond, order } = orderOf(sort);
  const same = [...where, sql`${value} = ${after.value}`, sql`id ${beyond} ${after.id}`];
  return [
    // By the id alone: SQLite would sort all of them, since it does not see that an expression has only one value.
    sql`select id, ${value} as sort_value from ${from} where ${sql.join(same, sql` and `)}
      order by id ${order} limit ${query.limit}`,
    place(query, { from, where: [...where, sql`${value} ${beyond} ${after.value}`] }),
  ];
}

function merged({ sort, limit }: ListQuery, parts: readonly RawBuilder<Place>[]): RawBuilder<Place> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const { order } = orderOf(sort);
  const all = parts.map((part, i) => sql`select * from (${part}) as ${sql.ref(`part_${i}`)}`);
  return sql`${sql.join(all, sql` union all `)} order by sort_value ${order}, id ${order} limit ${limit}`;
}

/** The whole rows. A cross join makes SQLite begin with the places. */
function fetched(db: Db, { sort }: ListQuery, found: RawBuilder<Place>) {
  const { direction } = orderOf(sort);
  return db
    .selectFrom(sql<Place>`(${found})`.as('place'))
    .crossJoin('api_keys as key')
    .whereRef('key.id', '=', 'place.id')
    .select(columns.map((column) => `key.${column}` as const))
    .select('place.sort_value')
    .orderBy('place.sort_value', direction)
    .orderBy('place.id', direction);
}

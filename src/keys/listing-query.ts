import { type RawBuilder, sql } from 'kysely';
import { scanned, unindexed } from '../db/differences.ts';
import type { Db } from '../db/tables.ts';
import type { AccountId, KeyId, Scope } from '../lib/brand.ts';
import { fold } from '../lib/fold.ts';
import type { Position, Sort, SortedBy } from './cursor.ts';
import type { KeySource, KeyStatus } from './key.ts';
import { columns, type KeyRow } from './row.ts';
import { ALL_SCOPES } from './scopes.ts';

/**
 * The SQL of a page of keys. The ids of the keys come from tables that `migrations/0008_listing.ts` makes: each key has a
 * row in `api_key_listing`, with all columns of the filters and sorts.
 */

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
type Rows = Readonly<{
  from: RawBuilder<unknown>;
  where: readonly Condition[];
  /** What to select of a row beside its place. */
  columns?: RawBuilder<unknown>;
}>;

/** The number of rows among which a full page is looked for, before all keys are read. */
const ROWS_TO_TRY = 5_000;

const listing = sql`api_key_listing`;
const id = sql`id`;
/** The name that SQLite gives to the index of the primary key, in which it has the whole table. */
const PRIMARY_KEY = 'sqlite_autoindex_api_key_listing_1';
const isInactive: Condition = sql`state = 0`;
const isCurrent: Condition = sql`state = 1`;
const isMarkedExpired: Condition = sql`state = 2`;
/** A constant and no parameter, because its index is a partial one. */
const isUnlimited: Condition = sql`scopes = ' * '`;

function orderOf(sort: Sort) {
  const by = (sort.startsWith('-') ? sort.slice(1) : sort) as SortedBy;
  const direction = sort === by ? ('asc' as const) : ('desc' as const);
  return {
    by,
    value: sql<number>`${sql.ref(by)}`,
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
  if (given.length === 0) return { from: listing, where: [] };
  if (given.length > 1 || orderOf(sort).by !== 'created_at') return undefined;
  if (status === 'inactive') return { from: listing, where: [isInactive] };
  if (scope === ALL_SCOPES) return { from: listing, where: [isUnlimited] };
  if (scope !== undefined) return { from: sql`api_key_scopes`, where: [sql`scope = ${scope}`] };
  if (source !== undefined) return { from: listing, where: [sql`source = ${source}`] };
  if (prefix !== undefined) return { from: listing, where: [sql`prefix = ${prefix}`] };
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
      from: listing,
      where: [isCurrent, sql<boolean>`expires_at > ${now}`],
    };
    return fetched(db, query, merged(query, places(query, rows))).compile();
  }
  if (status !== 'expired') return undefined;
  const unmarked = place(query, {
    from: scanned(db, 'api_keys', 'api_keys_ending'),
    where: [sql`is_active = 1 and is_expired = 0`, sql`expires_at <= ${now}`, ...isAfter(query)],
  });
  const marked = places(query, { from: listing, where: [isMarkedExpired] });
  return fetched(db, query, merged(query, [...marked, unmarked])).compile();
}

/** The keys among the first few thousand of the sort that match. */
export function firstRows(db: Db, query: ListQuery) {
  const { filters, sort, now } = query;
  const { by, order } = orderOf(sort);
  const from = scanned(db, 'api_key_listing', by === 'created_at' ? PRIMARY_KEY : `api_key_listing_${by}`);
  // Many keys that expired long ago can come first.
  const where = filters.status === 'active' && by === 'expires_at' ? [sql<boolean>`expires_at > ${now}`] : [];
  const tried = { ...query, limit: ROWS_TO_TRY };
  const first = merged(tried, places(tried, { from, where, columns: sql`*` }));
  const found = sql<Place>`select id, sort_value from (${first}) as tried where ${all(conditions(query))}
    order by sort_value ${order}, id ${order} limit ${query.limit}`;
  return fetched(db, query, found).compile();
}

/** A page of the keys of one account, which an index finds. Undefined for other queries. */
export function accountPage(db: Db, query: ListQuery) {
  const { account } = query.filters;
  if (account === undefined) return undefined;
  // A cross join makes SQLite begin with the account.
  const from = sql`(select listed.* from api_keys as owned cross join api_key_listing as listed
    where owned.account_id = ${account} and listed.created_at = owned.created_at and listed.id = owned.id) as owned`;
  const where = [...isAfter(query), ...conditions(query)];
  return fetched(db, query, place(query, { from, where })).compile();
}

/** Any page. It reads every row of the list. */
export function scannedPage(db: Db, query: ListQuery) {
  const { value, order } = orderOf(query.sort);
  const from = scanned(db, 'api_key_listing', PRIMARY_KEY);
  const found = sql<Place>`select id, ${value} as sort_value from ${from}
    where ${all([...isAfter(query), ...conditions(query)])}
    order by ${unindexed(db, value)} ${order}, id ${order} limit ${query.limit}`;
  return fetched(db, query, found).compile();
}

/** The conditions that cost least come first. */
function conditions({ filters, now }: ListQuery): Condition[] {
  const { label, owner, status, scope, source, prefix } = filters;
  const found: Condition[] = [];
  if (status === 'inactive') found.push(isInactive);
  if (status === 'active') found.push(isCurrent, sql`expires_at > ${now}`);
  if (status === 'expired') found.push(sql`(state = 2 or state = 1 and expires_at <= ${now})`);
  if (source !== undefined) found.push(sql`source = ${source}`);
  if (prefix !== undefined) found.push(sql`prefix = ${prefix}`);
  if (scope === ALL_SCOPES) found.push(isUnlimited);
  else if (scope !== undefined) found.push(contains('scopes', ` ${scope} `));
  if (label !== undefined) found.push(contains('label', fold(label)));
  if (owner !== undefined) found.push(contains('owner', fold(owner)));
  return found;
}

const contains = (column: 'label' | 'owner' | 'scopes', part: string): Condition =>
  sql`${sql.ref(column)} like ${`%${part.replaceAll(/[!%_]/g, '!$&')}%`} escape '!'`;

const all = (conditions: readonly Condition[]) =>
  sql<boolean>`${sql.join([sql`true`, ...conditions], sql` and `)}`;

function isAfter({ sort, after }: ListQuery): Condition[] {
  if (!after) return [];
  const { value, beyond } = orderOf(sort);
  return [
    sql`${value} ${beyond}= ${after.value} and (${value} ${beyond} ${after.value} or id ${beyond} ${after.id})`,
  ];
}

function place({ sort, limit }: ListQuery, { from, where, columns = id }: Rows): RawBuilder<Place> {
  const { value, order } = orderOf(sort);
  return sql`select ${columns}, ${value} as sort_value from ${from} where ${all(where)}
    order by ${value} ${order}, id ${order} limit ${limit}`;
}

/**
 * The keys with the same value, and then the others: an index answers each, however many keys have the same value. SQLite
 * uses only the first half of a comparison with both.
 */
function places(query: ListQuery, rows: Rows): RawBuilder<Place>[] {
  const { sort, after } = query;
  if (!after) return [place(query, rows)];
  const { from, where, columns = id } = rows;
  const { value, beyond, order } = orderOf(sort);
  const same: Condition[] = [...where, sql`${value} = ${after.value}`, sql`id ${beyond} ${after.id}`];
  return [
    sql`select ${columns}, ${value} as sort_value from ${from} where ${all(same)}
      order by id ${order} limit ${query.limit}`,
    place(query, { ...rows, where: [...where, sql`${value} ${beyond} ${after.value}`] }),
  ];
}

function merged({ sort, limit }: ListQuery, parts: readonly RawBuilder<Place>[]): RawBuilder<Place> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const { order } = orderOf(sort);
  const rows = parts.map((part, i) => sql`select * from (${part}) as ${sql.ref(`part_${i}`)}`);
  return sql`${sql.join(rows, sql` union all `)} order by sort_value ${order}, id ${order} limit ${limit}`;
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

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CompiledQuery } from 'kysely';
import type { Db, Tx } from '../db/tables.ts';
import type { AuditEvent, NewEvent, Position, Selection } from './event.ts';
import { fromEvent, toEvent } from './row.ts';

/** Call it in the transaction of the change, so that there is no change without its event. */
export async function insertEvent(tx: Tx, event: NewEvent): Promise<void> {
  await tx.insertInto('audit_events').values(fromEvent(event)).execute();
}

/** The same, for many. SQLite would block the thread, so others get a turn in between. */
export async function insertEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += INSERTED_AT_ONCE) {
    if (start > 0) await nextTurn();
    const rows = events.slice(start, start + INSERTED_AT_ONCE).map(fromEvent);
    await tx.insertInto('audit_events').values(rows).execute();
  }
}

/** For events that belong to no change. */
export const eventsQuery = (db: Db, events: readonly NewEvent[]): CompiledQuery =>
  db.insertInto('audit_events').values(events.map(fromEvent)).compile();

const INSERTED_AT_ONCE = 500;

/** The number of events that one step examines. SQLite reads them in about 2 ms, and everybody waits for that. */
const EXAMINED = 1_000;

/** Some events of a selection, and where to go on; undefined when there are no more. */
export type Step = { events: AuditEvent[]; next: Position | undefined };

/**
 * Reads the next events of a selection, the newest first, in a short time. One filter finds the events in its index. When
 * there are further filters, a step examines a fixed number of events, and can find none although there are more.
 */
export async function readStep(
  db: Db,
  selection: Selection,
  after: Position | undefined,
  limit: number,
): Promise<Step> {
  if (!after) return readRange(db, selection, {}, limit);
  // Two reads, because SQLite compares `(at, id) < (?, ?)` by `at` alone, and any number of events can have the same.
  const same = await readRange(db, selection, { sameAs: after }, limit);
  if (same.next) return same;
  const earlier = await readRange(db, selection, { before: after.at }, limit - same.events.length);
  return { events: [...same.events, ...earlier.events], next: earlier.next };
}

/** A part of the order: the events of a millisecond that come after one of them, or all events before a time. */
type Range = Readonly<{ sameAs?: Position; before?: number }>;

async function readRange(db: Db, selection: Selection, range: Range, limit: number): Promise<Step> {
  const { first, others } = plan(selection);
  const candidates = (most: number) => candidatesOf(db, first, selection, range, most);
  const isDirect = Object.keys(others).length === 0;
  const query = isDirect
    ? candidates(limit).selectAll()
    : // The limit inside makes the engine use the index of the first filter.
      matching(db.selectFrom(candidates(EXAMINED).selectAll().as('audit_events')), others)
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .selectAll();
  const events = (await query.execute()).map(toEvent);
  const last = events.at(-1);
  if (events.length === limit) return { events, next: last && { at: last.at, id: last.id } };
  const next = isDirect
    ? undefined
    : await candidates(EXAMINED)
        .select(['at', 'id'])
        .limit(1)
        .offset(EXAMINED - 1)
        .executeTakeFirst();
  return { events, next };
}

type Filters = Pick<Selection, 'keyId' | 'actorKey' | 'actorAccount' | 'action'>;

/** The filter that finds the fewest events as a rule comes first, because only its index is used. */
function plan({ keyId, actorKey, actorAccount, action, visibleTo }: Selection): {
  first: Filters;
  others: Filters;
} {
  const filters: Filters[] = [
    // What somebody may see comes before all filters, and has indexes of its own.
    ...(visibleTo === undefined ? [] : [{}]),
    ...(keyId === undefined ? [] : [{ keyId }]),
    ...(actorKey === undefined ? [] : [{ actorKey }]),
    ...(actorAccount === undefined ? [] : [{ actorAccount }]),
    ...(action === undefined ? [] : [{ action }]),
  ];
  const [first = {}, ...others] = filters;
  return { first, others: Object.assign({}, ...others) };
}

const from = (db: Db) => db.selectFrom('audit_events');

type Query = ReturnType<typeof from>;

function matching(query: Query, { keyId, actorKey, actorAccount, action }: Filters): Query {
  let matched = query;
  if (keyId !== undefined) matched = matched.where('key_id', '=', keyId);
  if (actorKey !== undefined)
    matched = matched.where('actor_kind', '=', 'key').where('actor_id', '=', actorKey);
  if (actorAccount !== undefined) matched = matched.where('actor_account', '=', actorAccount);
  if (action !== undefined) matched = matched.where('action', '=', action);
  return matched;
}

const newestFirst = (query: Query) => query.orderBy('at', 'desc').orderBy('id', 'desc');

function ordered(query: Query, selection: Selection, { sameAs, before }: Range): Query {
  let within = query;
  if (selection.from !== undefined) within = within.where('at', '>=', selection.from);
  if (sameAs) return within.where('at', '=', sameAs.at).where('id', '<', sameAs.id).orderBy('id', 'desc');
  const end = before ?? selection.to;
  if (end !== undefined) within = within.where('at', '<', end);
  return newestFirst(within);
}

/** The first events, at most `limit`, of what somebody may see. */
function candidatesOf(db: Db, filters: Filters, selection: Selection, range: Range, limit: number): Query {
  const { visibleTo } = selection;
  if (visibleTo === undefined) return ordered(matching(from(db), filters), selection, range).limit(limit);
  // Each part has its index. An event in both parts counts once.
  const part = (column: 'account_id' | 'actor_account') =>
    db
      .selectFrom(
        ordered(from(db).where(column, '=', visibleTo), selection, range)
          .limit(limit)
          .selectAll()
          .as('audit_events'),
      )
      .selectAll();
  const both = part('account_id').union(part('actor_account')).as('audit_events');
  return newestFirst(db.selectFrom(both)).limit(limit);
}

/** Deletes the oldest events from before a moment, at most `limit`. */
export const deleteQuery = (db: Db, before: number, limit: number): CompiledQuery =>
  db
    .deleteFrom('audit_events')
    .where(
      'id',
      'in',
      from(db).select('id').where('at', '<', before).orderBy('at').orderBy('id').limit(limit),
    )
    .compile();

export const hasEventsBefore = async (db: Db, before: number): Promise<boolean> =>
  (await from(db).select('id').where('at', '<', before).limit(1).executeTakeFirst()) !== undefined;

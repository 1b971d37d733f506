import { appliedMigrations } from '../db/migrate.ts';
import type { Db } from '../db/tables.ts';
import { countUnmoved } from '../keys/pepper-move.ts';

/** What one address changed in the last weeks. */
export type ClientEvents = Readonly<{
  address: string;
  events: number;
  /** How many accounts, and keys of no account, acted from there. */
  actors: number;
}>;

/** What the tables of a database of Keyhearth say, of any version of the schema. */
export type Contents = Readonly<{
  identity: Readonly<{ database_id: string; pepper_check: string | null }> | undefined;
  migrations: readonly string[];
  isClaimed: boolean;
  /** The newest time that a key has, in milliseconds since 1970. */
  newestAt: number;
  /** Active keys that do not expire. */
  neverExpire: number;
  /** Active keys without a fingerprint. Those of a gateway have no hash, and get theirs from its file. */
  withoutFingerprint: number;
  /** Active imported keys without a hash. */
  withoutHash: number;
  /** Keys that were not used since the pepper changed; undefined when it never changed. */
  unmoved: number | undefined;
  /** The hint of the key that the first registration made; undefined when it is gone or inactive. */
  firstKeyHint: string | undefined;
  clients: readonly ClientEvents[];
}>;

const WEEKS_MS = 28 * 86_400_000;
const MOST_EVENTS = 10_000;

/** Reads, and changes nothing. */
export async function readContents(db: Db, now: number): Promise<Contents> {
  const migrations = await appliedMigrations(db);
  const has = (migration: string) => migrations.some((name) => name.startsWith(migration));
  const identity = await db
    .selectFrom('database_identity')
    .select(['database_id', 'pepper_check'])
    .executeTakeFirst();
  const claim = await db.selectFrom('bootstrap_claim').selectAll().executeTakeFirst();
  return {
    ...{ identity, migrations, isClaimed: claim !== undefined },
    ...(has('0004') ? await readKeys(db) : NO_KEYS),
    unmoved: has('0015') ? await readUnmoved(db) : undefined,
    clients: has('0010') ? await readClients(db, now) : [],
  };
}

async function readUnmoved(db: Db): Promise<number | undefined> {
  const identity = await db.selectFrom('database_identity').select('pepper_since').executeTakeFirst();
  return identity?.pepper_since == null ? undefined : countUnmoved(db);
}

const NO_KEYS = {
  newestAt: 0,
  neverExpire: 0,
  withoutFingerprint: 0,
  withoutHash: 0,
  firstKeyHint: undefined,
};

async function readKeys(db: Db) {
  const { created, used } = await db
    .selectFrom('api_keys')
    .select(({ fn }) => [
      fn.max<number | null>('created_at').as('created'),
      fn.max('last_used_at').as('used'),
    ])
    .executeTakeFirstOrThrow();
  const active = db.selectFrom('api_keys').where('is_active', '=', 1).where('is_expired', '=', 0);
  const count = async (query: typeof active) => {
    const row = await query.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
    return Number(row.count);
  };
  const first = await db
    .selectFrom('api_keys')
    .select('hint')
    .where('is_active', '=', 1)
    .where('source', '=', 'registered')
    .limit(1)
    .executeTakeFirst();
  return {
    newestAt: Math.max(created ?? 0, used ?? 0),
    neverExpire: await count(active.where('expires_at', 'is', null)),
    withoutFingerprint: await count(active.where('fingerprint', 'is', null).where('hash', '<>', '')),
    withoutHash: await count(active.where('source', '=', 'imported').where('hash', '=', '')),
    firstKeyHint: first?.hint,
  };
}

/** Only what keys and accounts did: anybody can cause an event without a credential. */
async function readClients(db: Db, now: number): Promise<ClientEvents[]> {
  const rows = await db
    .selectFrom('audit_events')
    .select(['address', 'actor_kind', 'actor_id', 'actor_account'])
    .where('at', '>=', now - WEEKS_MS)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(MOST_EVENTS)
    .execute();
  const clients = new Map<string, { events: number; actors: Set<string> }>();
  for (const { address, actor_kind, actor_id, actor_account } of rows) {
    if (address === null || !['key', 'account'].includes(actor_kind)) continue;
    const client = clients.get(address) ?? { events: 0, actors: new Set() };
    client.events += 1;
    client.actors.add(actor_account === null ? `key ${actor_id}` : `account ${actor_account}`);
    clients.set(address, client);
  }
  return [...clients].map(([address, { events, actors }]) => ({ address, events, actors: actors.size }));
}

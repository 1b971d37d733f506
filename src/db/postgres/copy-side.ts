import type { Client } from 'pg';
import { COPIED_TABLES, type CopiedRow, type CopySide, ROWS_AT_ONCE } from '../copied.ts';
import { connectAlone, isAlone, OTHER_SESSIONS } from './session.ts';

/** The server may need this long for one step, such as to read the first rows of a large table. */
const ANSWER_MS = 600_000;

/** In one database, one copy at a time. */
const LOCK = 'select pg_try_advisory_lock(hashtextextended(current_schema() || $1, 0)) as locked';

/**
 * Opens a database for a copy, in one transaction, which nobody else can write beside.
 * @returns undefined when another process writes to it
 */
export async function openPostgresSide(url: string, isSource: boolean): Promise<CopySide | undefined> {
  const client = await connectAlone(url, undefined, ANSWER_MS);
  await client.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0');
  const { rows } = await client.query<{ locked: boolean }>(LOCK, ['.keyhearth-copy']);
  const isAlone = rows[0]?.locked === true && (!isSource || (await keepWritersAway(client)));
  if (isAlone) return sideOf(client, isSource);
  await client.end();
  return undefined;
}

async function keepWritersAway(client: Client): Promise<boolean> {
  // The rows are those of the first read, which comes after the locks.
  await client.query('begin isolation level repeatable read');
  try {
    await client.query(`lock table ${COPIED_TABLES.join()} in share mode nowait`);
    return true;
  } catch {
    return false;
  }
}

/** A service reads the migrations first. It waits for the end of the transaction. */
async function keepReadersAway(client: Client): Promise<boolean> {
  try {
    await client.query('lock table kysely_migration in access exclusive mode nowait');
    return true;
  } catch {
    return false;
  }
}

function sideOf(client: Client, isInTransaction: boolean): CopySide {
  const texts = async (text: string, values: unknown[] = []): Promise<string[]> => {
    const { rows } = await client.query<{ name: string }>(text, values);
    return rows.map(({ name }) => name);
  };
  const columnsOf = (table: string) =>
    texts(
      `select column_name as name from information_schema.columns
        where table_schema = current_schema() and table_name = $1 order by ordinal_position`,
      [table],
    );
  const numbered = () =>
    texts(
      `select table_name as name from information_schema.columns
        where table_schema = current_schema() and column_name = 'id' and is_identity = 'YES'`,
    );
  const sequenceOf = async (table: string) => {
    const [name = ''] = await texts("select pg_get_serial_sequence($1, 'id') as name", [table]);
    return name;
  };

  return {
    columns: columnsOf,
    async count(table) {
      const { rows } = await client.query<{ count: number }>(`select count(*) as count from ${table}`);
      return Number(rows[0]?.count);
    },
    async *rows(table) {
      if (!isInTransaction) await client.query('begin');
      await client.query(`declare copied no scroll cursor for select * from ${table}`);
      try {
        let last: CopiedRow[] = [];
        do {
          ({ rows: last } = await client.query<CopiedRow>(`fetch ${ROWS_AT_ONCE} from copied`));
          yield last;
        } while (last.length > 0);
      } finally {
        // After an error there is none. Then the error of the query counts.
        await client.query('close copied').catch(() => undefined);
      }
      if (!isInTransaction) await client.query('commit');
    },
    async add(table, rows) {
      const columns = (await columnsOf(table)).join();
      await client.query(
        `insert into ${table} (${columns}) select ${columns}
          from json_populate_recordset(null::${table}, $1) on conflict do nothing`,
        [JSON.stringify(rows)],
      );
    },
    async lastIds() {
      const ids = new Map<string, number>();
      for (const table of await numbered()) {
        const { rows } = await client.query<{ last: number }>(
          `select case when is_called then last_value else last_value - 1 end as last from ${await sequenceOf(table)}`,
        );
        ids.set(table, Number(rows[0]?.last));
      }
      return ids;
    },
    async continueAfter(ids) {
      for (const table of await numbered())
        await client.query('select setval($1::regclass, $2, false)', [
          await sequenceOf(table),
          (ids.get(table) ?? 0) + 1,
        ]);
    },
    async clear(table) {
      await client.query(`delete from ${table}`);
    },
    migrations: () => texts('select name from kysely_migration order by name'),
    async addMigrationAlone(name) {
      await client.query('begin');
      const isFree = (await keepReadersAway(client)) && (await isAlone(client));
      if (isFree) {
        const time = new Date().toISOString();
        await client.query('insert into kysely_migration (name, timestamp) values ($1, $2)', [name, time]);
      }
      await client.query(isFree ? 'commit' : 'rollback');
      return isFree;
    },
    async removeMigration(name) {
      await client.query('delete from kysely_migration where name = $1', [name]);
    },
    async isStillAlone() {
      const { rows } = await client.query(OTHER_SESSIONS);
      return rows.length === 0;
    },
    close: () => client.end(),
  };
}

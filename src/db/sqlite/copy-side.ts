import SqliteDatabase from 'better-sqlite3';
import { errorCode } from '../../lib/error-code.ts';
import { type CopiedRow, type CopySide, ROWS_AT_ONCE } from '../copied.ts';

/**
 * Opens a file for a copy, and keeps all other processes away from it.
 * @returns undefined when another process has the file open
 */
export function openSqliteSide(path: string): CopySide | undefined {
  const sqlite = new SqliteDatabase(path, { timeout: 0, fileMustExist: true });
  try {
    sqlite.pragma('trusted_schema = OFF');
    sqlite.pragma('locking_mode = EXCLUSIVE');
    sqlite.exec('begin exclusive; commit');
  } catch (error) {
    sqlite.close();
    if (/^SQLITE_(BUSY|LOCKED)/.test(errorCode(error) ?? '')) return undefined;
    throw error;
  }
  return sideOf(sqlite);
}

function sideOf(sqlite: SqliteDatabase.Database): CopySide {
  const columnsOf = (table: string) =>
    sqlite.prepare<[string], string>('select name from pragma_table_info(?)').pluck().all(table);
  return {
    columns: async (table) => columnsOf(table),
    count: async (table) => Number(sqlite.prepare<[], number>(`select count(*) from ${table}`).pluck().get()),
    async *rows(table) {
      let rows: CopiedRow[] = [];
      for (const row of sqlite.prepare<[], CopiedRow>(`select * from ${table}`).iterate()) {
        rows.push(row);
        if (rows.length < ROWS_AT_ONCE) continue;
        yield rows;
        rows = [];
      }
      yield rows;
    },
    async add(table, rows) {
      const columns = columnsOf(table);
      const places = columns.map((column) => `@${column}`);
      const insert = sqlite.prepare(
        `insert into ${table} (${columns.join()}) values (${places.join()}) on conflict do nothing`,
      );
      sqlite.transaction(() => {
        for (const row of rows) insert.run(row);
      })();
    },
    async lastIds() {
      const rows = sqlite
        .prepare<[], { name: string; seq: number }>('select name, seq from sqlite_sequence')
        .all();
      return new Map(rows.map(({ name, seq }) => [name, seq]));
    },
    async continueAfter(ids) {
      const numbered = sqlite
        .prepare<[], string>(
          "select name from sqlite_schema where type = 'table' and sql like '%autoincrement%'",
        )
        .pluck()
        .all();
      const remove = sqlite.prepare<[string]>('delete from sqlite_sequence where name = ?');
      const insert = sqlite.prepare<[string, number]>(
        'insert into sqlite_sequence (name, seq) values (?, ?)',
      );
      for (const table of numbered) {
        remove.run(table);
        insert.run(table, ids.get(table) ?? 0);
      }
    },
    async clear(table) {
      sqlite.exec(`delete from ${table}`);
    },
    migrations: async () =>
      sqlite.prepare<[], string>('select name from kysely_migration order by name').pluck().all(),
    // No other process can open the file.
    async addMigrationAlone(name) {
      sqlite
        .prepare('insert into kysely_migration (name, timestamp) values (?, ?)')
        .run(name, new Date().toISOString());
      return true;
    },
    async removeMigration(name) {
      sqlite.prepare('delete from kysely_migration where name = ?').run(name);
    },
    // No other process can open the file.
    isStillAlone: async () => true,
    async close() {
      sqlite.close();
    },
  };
}

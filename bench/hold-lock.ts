import SqliteDatabase from 'better-sqlite3';

/** Another program on the same file: takes the write lock, says so, and keeps it for the time it is told. */

const [path = '', seconds = ''] = process.argv.slice(2);
const database = new SqliteDatabase(path, { timeout: 5_000 });
database.exec('begin immediate');
process.stdout.write('held\n');
setTimeout(() => {
  database.exec('rollback');
  database.close();
}, Number(seconds) * 1_000);

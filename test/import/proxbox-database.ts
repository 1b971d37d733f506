import { spawnSync } from 'node:child_process';
import SqliteDatabase from 'better-sqlite3';

/** Keys, and their hashes by Python's bcrypt 3.2. */
export const HASHED = [
  {
    key: 'proxbox-key-of-32-bytes-01234567',
    hash: '$2b$04$u3Xb0TK5.ebbUSuxQIhGPe5BGcP7V9dTEja0RHM/0Oj6QQ5xCnZYO',
  },
  {
    key: 'proxbox-key-of-64-bytes-0123456789abcdef0123456789abcdef01234567',
    hash: '$2b$04$54Xtkv0ny5h88vJpHq33nuIOc79zm/zBOlM5A6ZvXOg0fCzugqkma',
  },
  {
    key: 'proxbox-key-of-72-bytes-0123456789abcdef0123456789abcdef0123456789abcdef',
    hash: '$2b$04$mg2ES3xWFxf1EhjFKUHEROXoAMwd.kCOaqwykcrQkii8eQXMrX6YC',
  },
] as const;

export type ProxboxRow = { label?: string; hash: string; isActive?: boolean; createdAt?: number | string };

const SCHEMA = `create table apikey (
  id integer not null primary key, label varchar not null, key_hash varchar not null,
  is_active boolean not null, created_at float not null)`;

const CLAIM = `create table api_key_bootstrap_claim (
  id integer not null primary key, initialized_at float not null,
  constraint ck_api_key_bootstrap_claim_singleton check (id = 1));
  insert into api_key_bootstrap_claim values (1, 1712345678.1)`;

/** Writes a database as proxbox-api has it. @returns the open database: its service may run on */
export function proxboxDatabase(path: string, rows: readonly ProxboxRow[], { isOld = false } = {}) {
  const sqlite = new SqliteDatabase(path);
  sqlite.pragma('journal_mode = WAL');
  sqlite.exec(SCHEMA);
  if (!isOld) sqlite.exec(CLAIM);
  const insert = sqlite.prepare(
    'insert into apikey (label, key_hash, is_active, created_at) values (?, ?, ?, ?)',
  );
  for (const { label = '', hash, isActive = true, createdAt = 1_712_345_678.123 } of rows)
    insert.run(label, hash, isActive ? 1 : 0, createdAt);
  return sqlite;
}

/** The Python that has the package bcrypt; undefined where it is missing. */
export const python = ['python3', '/usr/bin/python3'].find(
  (program) => spawnSync(program, ['-c', 'import bcrypt, sqlite3']).status === 0,
);

/** What proxbox-api does with a first key and a second one. The keys come from standard input. */
const SCRIPT = `
import bcrypt, sqlite3, sys, time
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode=WAL")
database.execute("""${SCHEMA}""")
for number, key in enumerate(sys.stdin.read().split()):
    key_hash = bcrypt.hashpw(key.encode(), bcrypt.gensalt(rounds=5)).decode()
    database.execute("INSERT INTO apikey (label, key_hash, is_active, created_at) VALUES (?, ?, 1, ?)",
        ("client-%d" % number, key_hash, time.time()))
database.commit()
`;

/** Writes a database with Python. */
export function pythonDatabase(path: string, keys: readonly string[]): void {
  const { status, stderr } = spawnSync(python ?? '', ['-c', SCRIPT, path], { input: keys.join('\n') });
  if (status !== 0) throw new Error(String(stderr));
}

/** A hash by Apache's htpasswd, which begins with $2y$; undefined where it is missing. */
export function htpasswdHash(key: string): string | undefined {
  const { status, stdout } = spawnSync('htpasswd', ['-niBC', '5', 'name'], { input: key });
  return status === 0
    ? String(stdout)
        .trim()
        .replace(/^name:/, '')
    : undefined;
}

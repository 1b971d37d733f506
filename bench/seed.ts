import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { fingerprinter } from '../src/keys/digests.ts';
import { generateRawKey, hintOf } from '../src/keys/key-format.ts';
import { loadPepper } from '../src/pepper/pepper.ts';
import { startKeyhearth } from './processes.ts';

/** All keys bear it, so that all answers have the same length but for the id. */
export const LABEL = 'bench';

/** The shape of a bcrypt hash, of nothing: verification by fingerprint never looks at it. */
export const HASH = `$2b$12$${'.'.repeat(53)}`;

/** A data directory with one key, made by Keyhearth itself. Returns that key. */
export async function makeDataDirectory(
  dataDir: string,
  directory: string,
  env: Record<string, string> = {},
  script?: string,
): Promise<string> {
  const rawKey = generateRawKey();
  const server = await startKeyhearth('seed', dataDir, directory, env, script);
  const answer = await fetch(`${server.origin}/auth/register-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: rawKey, label: LABEL }),
  });
  if (answer.status !== 201) throw new Error(`The first key was refused: ${await answer.text()}`);
  await server.stop();
  return rawKey;
}

/** Creates a key in the data directory of a stopped service. Returns the raw key. */
export async function createKey(
  dataDir: string,
  directory: string,
  rawKey: string,
  settings: object,
  env: Record<string, string> = {},
): Promise<string> {
  const server = await startKeyhearth('seed', dataDir, directory, env);
  const created = await postKey(server.origin, rawKey, settings);
  await server.stop();
  return created;
}

/** Creates a key at a running service. Returns the raw key. */
export async function postKey(origin: string, rawKey: string, settings: object): Promise<string> {
  const answer = await fetch(`${origin}/auth/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': rawKey },
    body: JSON.stringify(settings),
  });
  if (answer.status !== 201) throw new Error(`The key was refused: ${await answer.text()}`);
  const { raw_key } = (await answer.json()) as { raw_key: string };
  return raw_key;
}

/**
 * Fills a stopped service's database up to `count` keys, past the service: it would take bcrypt's quarter of a second
 * for each. Returns every `keepEvery`th of the new ones.
 */
export function fill(dataDir: string, count: number, keepEvery: number): string[] {
  const pepper = loadPepper({ from: 'file', path: join(dataDir, 'pepper'), createIfMissing: false }, true);
  const fingerprintOf = fingerprinter(pepper);
  const database = new SqliteDatabase(join(dataDir, 'keyhearth.db'));
  const kept: string[] = [];
  try {
    const insert = database.prepare(
      `insert into api_keys (label, hint, fingerprint, hash, is_active, created_at, last_used_at, use_count)
       values (?, ?, ?, ?, 1, ?, null, 0)`,
    );
    const createdAt = Date.now();
    const insertAll = database.transaction(() => {
      for (let number = 1; number < count; number++) {
        const rawKey = generateRawKey();
        insert.run(LABEL, hintOf(rawKey), fingerprintOf(rawKey), HASH, createdAt);
        if (number % keepEvery === 0) kept.push(rawKey);
      }
    });
    insertAll();
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
  return kept;
}

/** Adds keys of the ProxyOS API to a stopped service's database, all of which its list has. */
export function fillProxyos(dataDir: string, count: number): void {
  const pepper = loadPepper({ from: 'file', path: join(dataDir, 'pepper'), createIfMissing: false }, true);
  const fingerprintOf = fingerprinter(pepper);
  const database = new SqliteDatabase(join(dataDir, 'keyhearth.db'));
  try {
    const insert = database.prepare(
      `insert into api_keys
         (label, hint, fingerprint, hash, prefix, scopes, is_active, created_at, expires_at, last_used_at, use_count)
       values (?, ?, ?, ?, 'pxos', 'proxyos:health:read proxyos:routes:read', 1, ?, ?, ?, 1)`,
    );
    const now = Date.now();
    for (let number = 0; number < count; number++) {
      const rawKey = generateRawKey('pxos');
      const times = [now + number, now + 365 * 86_400_000, now];
      insert.run(LABEL, hintOf(rawKey), fingerprintOf(rawKey), HASH, ...times);
    }
  } finally {
    database.close();
  }
}

/** One key a line, as load.ts wants them. */
export function writeKeys(path: string, keys: readonly string[]): string {
  writeFileSync(path, `${keys.join('\n')}\n`, { mode: 0o600 });
  return path;
}

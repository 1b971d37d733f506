/**
 * The peer: better-auth's API-key plugin, verifying one key. Rate limiting is off, updates that may wait are deferred
 * as its documentation recommends, nothing is logged, and its database syncs less often than Keyhearth's. With
 * BENCH_STORAGE=memory its keys are in a secondary storage that is a Map: faster than any Redis could be.
 *
 * Plain JavaScript, because better-auth is installed by `npm run bench` alone and types are checked without it.
 * better-sqlite3 is the one of the project above.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import SqliteDatabase from 'better-sqlite3';

const { PORT, BENCH_DATABASE, BENCH_KEY_FILE, BENCH_STORAGE } = process.env;

const database = new SqliteDatabase(BENCH_DATABASE);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = NORMAL');

const memory = new Map();
const secondaryStorage = {
  get: (key) => memory.get(key) ?? null,
  set: (key, value) => void memory.set(key, value),
  delete: (key) => void memory.delete(key),
};
const inMemory = BENCH_STORAGE === 'memory';

const options = {
  database,
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: randomBytes(32).toString('hex'),
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  advanced: { backgroundTasks: { handler: (task) => void task.catch(() => undefined) } },
  ...(inMemory ? { secondaryStorage } : {}),
  plugins: [
    apiKey({
      rateLimit: { enabled: false },
      deferUpdates: true,
      ...(inMemory ? { storage: 'secondary-storage' } : {}),
    }),
  ],
};

await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);

const { user } = await auth.api.signUpEmail({
  body: { email: 'bench@example.com', password: randomBytes(16).toString('hex'), name: 'bench' },
});
const { key } = await auth.api.createApiKey({ body: { userId: user.id, name: 'bench' } });
writeFileSync(BENCH_KEY_FILE, `${key}\n`, { mode: 0o600 });

createServer(async (request, response) => {
  if (request.url === '/') return response.end();
  const { valid, key: found } = await auth.api.verifyApiKey({ body: { key: request.headers['x-api-key'] } });
  const body = JSON.stringify({ valid, key: found && { id: found.id, label: found.name } });
  response.writeHead(valid ? 200 : 401, { 'Content-Type': 'application/json' }).end(body);
}).listen(Number(PORT), '127.0.0.1');

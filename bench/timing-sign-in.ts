import { randomInt, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { parseConfig } from '../src/config.ts';
import { transaction } from '../src/db/transaction.ts';
import { AccountId } from '../src/lib/brand.ts';
import { createLogger } from '../src/lib/logger.ts';
import { openStorage } from '../src/storage.ts';
import { aucOf } from './auc.ts';
import { startKeyhearth } from './processes.ts';
import { makeDataDirectory } from './seed.ts';
import { openStopwatch } from './stopwatch.ts';
import { shuffled, type TimingFigures, withBounds } from './timing-figures.ts';

/** Whether the time of a failed sign-in tells which e-mail addresses have an account. */

/** Lower than the settings take. The shorter the comparison, the more everything else shows. */
const COST = 6;
const SERVER = join(import.meta.dirname, 'servers/low-bcrypt-cost.ts');
const WARM_UP = 50;
/** Fewer than lock an address. */
const ATTEMPTS_PER_ADDRESS = 10;
const ROWS_PER_STATEMENT = 500;

/** Each e-mail address is tried once, so that none is locked. */
const emailsOf = (count: number) => Array.from({ length: count }, () => `${randomUUID()}@example.com`);

async function insertAccounts(
  env: Record<string, string>,
  emails: readonly string[],
  hasTwoFactor: boolean,
): Promise<void> {
  const storage = await openStorage(parseConfig(env), createLogger('silent', { write: () => undefined }));
  const password_hash = hashSync('a password that nobody tries', COST);
  const rows = emails.map((email) => ({
    ...{
      id: AccountId(randomUUID()),
      email,
      name: '',
      role: 'member' as const,
      scopes: '',
      is_approved: 1 as const,
    },
    ...{ password_hash, totp_secret: hasTwoFactor ? 'sealed' : null, totp_counter: 0, recovery_codes: null },
    ...{
      is_totp_confirmed: hasTwoFactor ? (1 as const) : (0 as const),
      created_at: Date.now(),
      last_sign_in_at: null,
    },
  }));
  await transaction(storage.db, async (tx) => {
    for (let first = 0; first < rows.length; first += ROWS_PER_STATEMENT)
      await tx
        .insertInto('accounts')
        .values(rows.slice(first, first + ROWS_PER_STATEMENT))
        .execute();
  });
  await storage.close();
}

/** The bytes of a sign-in, of some address behind the proxy that this program plays. */
function signInOf(email: string, place: number): Buffer {
  const client = Math.floor(place / ATTEMPTS_PER_ADDRESS);
  const body = JSON.stringify({ email, password: `a wrong password ${randomInt(1e9)}` });
  const head = [
    'POST /auth/login HTTP/1.1',
    'Host: localhost',
    `X-Forwarded-For: 10.0.${client >> 8}.${client & 255}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** @param samples of each kind: an account, one with a second factor, and e-mail addresses without an account */
export async function measureSignInTiming(
  name: string,
  samples: number,
  directory: string,
  database: Record<string, string> = {},
): Promise<TimingFigures[]> {
  const dataDir = join(directory, `${name}-sign-in`);
  mkdirSync(dataDir, { mode: 0o700 });
  await makeDataDirectory(dataDir, directory, database);
  const env = { KEYHEARTH_DATA_DIR: dataDir, ...database };
  const kinds = [0, 1, 2].map(() => ({ emails: emailsOf(samples), times: [] as number[] }));
  const [accounts, guarded, nobody] = kinds;
  if (!accounts || !guarded || !nobody) throw new Error('three kinds are measured');
  await insertAccounts(env, accounts.emails, false);
  await insertAccounts(env, guarded.emails, true);

  const settings = {
    ...database,
    BENCH_BCRYPT_COST: String(COST),
    KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1',
  };
  const server = await startKeyhearth('timing-sign-in', dataDir, directory, settings, SERVER);
  const stopwatch = await openStopwatch(Number(new URL(server.origin).port));
  const attempts = [
    ...emailsOf(WARM_UP).map((email) => ({ email, times: [] as number[] })),
    ...shuffled(kinds.flatMap(({ emails, times }) => emails.map((email) => ({ email, times })))),
  ].map(({ email, times }, place) => ({ request: signInOf(email, place), times }));
  for (const { request, times } of attempts) times.push(await stopwatch.refusal(request));
  stopwatch.close();
  await server.stop();

  return [
    withBounds('wrong password / unknown e-mail address', aucOf(accounts.times, nobody.times)),
    withBounds(
      'wrong password with a second factor / unknown e-mail address',
      aucOf(guarded.times, nobody.times),
    ),
  ];
}

import { setTimeout as sleep } from 'node:timers/promises';
import { progress, runCommand } from './command.ts';
import { sendVerifications } from './crowd.ts';
import { makeWorkDirectory, residentMb, startKeyhearth } from './processes.ts';

/** How much memory the addresses of a million clients take, and whether those that were locked out stay locked out. */

const ADDRESSES = 1_000_000;
const MOST_MB = 64;
const LOCKED = 100;
const ATTEMPTS = 5;
const SETTLE_MS = 2_000;

const KEY = 'a-first-key-of-the-bench-0123456789abcdef';

const addressOf = (number: number) =>
  [10 + (number >>> 24), (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join('.');
const forwardedFor = (number: number) => `X-Forwarded-For: ${addressOf(number)}\r\n`;
const wrongKey = (number: number) => `X-API-Key: ${'wrong-'.repeat(6)}${number}\r\n`;

type Run = { atStartMb: number; atEndMb: number; perSecond: number; stillLocked: number };

/**
 * Starts a service behind a trusted proxy, locks 100 addresses out, and sends `count` wrong keys.
 * @param headersOf the headers that name the client of a wrong key
 */
async function measure(
  name: string,
  directory: string,
  count: number,
  headersOf: (number: number) => string,
): Promise<Run> {
  const server = await startKeyhearth(name, `${directory}/${name}`, directory, {
    KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1',
    KEYHEARTH_LOCKOUT_ATTEMPTS: String(ATTEMPTS),
    KEYHEARTH_LOCKOUT_SECONDS: '3600',
  });
  const port = Number(new URL(server.origin).port);
  await fetch(`${server.origin}/auth/register-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: KEY }),
  });
  await sendVerifications(
    port,
    LOCKED * ATTEMPTS,
    (number) => wrongKey(number) + forwardedFor(number % LOCKED),
  );
  await sleep(SETTLE_MS);
  const atStartMb = residentMb(server.pid);
  const start = performance.now();
  const statuses = await sendVerifications(port, count, (number) => wrongKey(number) + headersOf(number));
  const perSecond = count / ((performance.now() - start) / 1_000);
  if (statuses['401'] !== count) throw new Error(`not only refusals: ${JSON.stringify(statuses)}`);
  await sleep(SETTLE_MS);
  const atEndMb = residentMb(server.pid);
  const { 429: stillLocked = 0 } = await sendVerifications(
    port,
    LOCKED,
    (number) => `X-API-Key: ${KEY}\r\n${forwardedFor(number)}`,
  );
  await server.stop();
  return { atStartMb, atEndMb, perSecond, stillLocked };
}

export type MemoryFigures = { none: Run; many: Run; differenceMb: number; locked: number };

/** Compares a service that gets `count` wrong keys from as many addresses with one that gets them from no address. */
export async function measureMemory(count: number, directory: string): Promise<MemoryFigures> {
  const none = await measure('none', directory, count, () => '');
  const many = await measure('many', directory, count, (number) => forwardedFor(LOCKED + number));
  return { none, many, differenceMb: many.atEndMb - none.atEndMb, locked: LOCKED };
}

async function run(): Promise<void> {
  progress(`${ADDRESSES} wrong keys from no address, and then from as many addresses`);
  const { none, many, differenceMb, locked } = await measureMemory(
    ADDRESSES,
    makeWorkDirectory('keyhearth-memory-'),
  );
  const line = (name: string, { atStartMb, atEndMb, perSecond }: Run) =>
    `${name}: ${atStartMb.toFixed(0)} MiB before, ${atEndMb.toFixed(0)} MiB after, ${Math.round(perSecond)} requests/s\n`;
  process.stdout.write(line('no addresses', none) + line(`${ADDRESSES} addresses`, many));
  process.stdout.write(
    `difference: ${differenceMb.toFixed(0)} MiB (at most ${MOST_MB}); of ${locked} locked addresses, ${many.stillLocked} are still locked\n`,
  );
  if (differenceMb > MOST_MB) throw new Error('the addresses take more memory than they may');
  if (many.stillLocked !== locked) throw new Error('a locked address was forgotten');
}

if (import.meta.main) await runCommand('bench:memory', run);

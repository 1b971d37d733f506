import { setTimeout as sleep } from 'node:timers/promises';
import { collectGarbage, INSPECTED } from './collect-garbage.ts';
import { progress, runCommand } from './command.ts';
import { sendVerifications } from './crowd.ts';
import { makeWorkDirectory, residentMb, type Server, startKeyhearth } from './processes.ts';

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

export type MemoryFigures = {
  /** After `count` wrong keys from no address. The service has done everything at least once then. */
  beforeMb: number;
  /** After as many wrong keys from as many addresses. */
  afterMb: number;
  differenceMb: number;
  perSecond: number;
  locked: number;
  stillLocked: number;
};

/** What the addresses of `count` clients take, in a service behind a trusted proxy that has locked 100 addresses out. */
export async function measureMemory(count: number, directory: string): Promise<MemoryFigures> {
  const server = await startKeyhearth('memory', `${directory}/data`, directory, {
    ...INSPECTED,
    KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1',
    KEYHEARTH_LOCKOUT_ATTEMPTS: String(ATTEMPTS),
    KEYHEARTH_LOCKOUT_SECONDS: '3600',
  });
  const port = Number(new URL(server.origin).port);
  await fetch(`${server.origin}/auth/register-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ api_key: KEY }),
  });
  await sendVerifications(
    port,
    LOCKED * ATTEMPTS,
    (number) => wrongKey(number) + forwardedFor(number % LOCKED),
  );
  await sendWrongKeys(port, count, () => '');
  const beforeMb = await usedMb(server);
  const start = performance.now();
  await sendWrongKeys(port, count, (number) => forwardedFor(LOCKED + number));
  const perSecond = count / ((performance.now() - start) / 1_000);
  const afterMb = await usedMb(server);
  const { 429: stillLocked = 0 } = await sendVerifications(
    port,
    LOCKED,
    (number) => `X-API-Key: ${KEY}\r\n${forwardedFor(number)}`,
  );
  await server.stop();
  return { beforeMb, afterMb, differenceMb: afterMb - beforeMb, perSecond, locked: LOCKED, stillLocked };
}

/** @param headersOf the headers that name the client of a wrong key */
async function sendWrongKeys(
  port: number,
  count: number,
  headersOf: (number: number) => string,
): Promise<void> {
  const statuses = await sendVerifications(port, count, (number) => wrongKey(number) + headersOf(number));
  if (statuses['401'] !== count) throw new Error(`not only refusals: ${JSON.stringify(statuses)}`);
}

async function usedMb(server: Server): Promise<number> {
  await sleep(SETTLE_MS);
  await collectGarbage(server);
  return residentMb(server.pid);
}

async function run(): Promise<void> {
  progress(`${ADDRESSES} wrong keys from no address, and then from as many addresses`);
  const { beforeMb, afterMb, differenceMb, perSecond, locked, stillLocked } = await measureMemory(
    ADDRESSES,
    makeWorkDirectory('keyhearth-memory-'),
  );
  process.stdout.write(
    `${beforeMb.toFixed(0)} MiB before, ${afterMb.toFixed(0)} MiB after ${ADDRESSES} addresses, ${Math.round(perSecond)} requests/s\n`,
  );
  process.stdout.write(
    `difference: ${differenceMb.toFixed(0)} MiB (at most ${MOST_MB}); of ${locked} locked addresses, ${stillLocked} are still locked\n`,
  );
  if (differenceMb > MOST_MB) throw new Error('the addresses take more memory than they may');
  if (stillLocked !== locked) throw new Error('a locked address was forgotten');
}

if (import.meta.main) await runCommand('bench:memory', run);

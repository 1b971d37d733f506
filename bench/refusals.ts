import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { progress, runCommand } from './command.ts';
import { makeWorkDirectory, startKeyhearth } from './processes.ts';

/** How many lines a flood of refusals writes, and whether the log accounts for each of them. */

const SECONDS = 60;
const CLIENTS = 50;
const PER_SECOND = 10_000;
const LINES_PER_SECOND = 100;
const TICK_MS = 20;

type Line = { status?: number; repeated?: number; client?: string };

export type FloodFigures = { refusals: number; perSecond: number; lines: number; accounted: number };

/** A client with an address of its own, which counts the answers to it. */
async function openClient(port: number, address: string) {
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: address });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let answers = 0;
  let sent = 0;
  socket.setEncoding('latin1').on('data', (text: unknown) => {
    answers += String(text).split('HTTP/1.1 ').length - 1;
  });
  const request = `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${'wrong-'.repeat(8)}\r\n\r\n`;
  return {
    /** Sends more only where the answers keep up, so that what is sent is what the service takes. */
    send(count: number) {
      if (sent - answers > 2 * count) return;
      sent += count;
      socket.write(request.repeat(count));
    },
    answers: () => answers,
    isAnswered: () => answers === sent,
    close: () => socket.destroy(),
  };
}

/** Sends refused requests from 50 addresses for so many seconds, stops the service, and reads its log. */
export async function flood(seconds: number, directory: string): Promise<FloodFigures> {
  const server = await startKeyhearth('refusals', `${directory}/refusals`, directory);
  const { port } = new URL(server.origin);
  const key = 'a-first-key-of-the-flood-0123456789abcdef';
  await fetch(`${server.origin}/auth/register-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: key }),
  });
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => openClient(Number(port), `127.0.1.${i + 1}`)),
  );
  const perTick = PER_SECOND / CLIENTS / (1_000 / TICK_MS);
  const start = performance.now();
  for (let tick = 0; performance.now() - start < seconds * 1_000; tick++) {
    for (const client of clients) client.send(perTick);
    await sleep(Math.max(0, start + (tick + 1) * TICK_MS - performance.now()));
  }
  while (!clients.every((client) => client.isAnswered())) await sleep(10);
  const took = (performance.now() - start) / 1_000;
  const refusals = clients.reduce((sum, client) => sum + client.answers(), 0);
  for (const client of clients) client.close();
  await server.stop();

  const lines: Line[] = readFileSync(server.logFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const ofClients = lines.filter(({ client }) => client?.startsWith('127.0.1.'));
  const repeated = lines.reduce((sum, line) => sum + (line.repeated ?? 0), 0);
  const single = ofClients.filter(({ status }) => status !== undefined).length;
  return { refusals, perSecond: refusals / took, lines: lines.length, accounted: single + repeated };
}

async function run(): Promise<void> {
  progress(`${PER_SECOND} refusals a second from ${CLIENTS} addresses, for ${SECONDS} s`);
  const { refusals, perSecond, lines, accounted } = await flood(
    SECONDS,
    makeWorkDirectory('keyhearth-refusals-'),
  );
  const maxLines = SECONDS * LINES_PER_SECOND;
  process.stdout.write(
    `${refusals} refusals, ${Math.round(perSecond)} a second: ${lines} lines (at most ${maxLines}), which account for ${accounted}\n`,
  );
  if (lines > maxLines) throw new Error('the log has more lines than its limit');
  if (accounted !== refusals) throw new Error('the log does not account for every refusal');
}

if (import.meta.main) await runCommand('bench:refusals', run);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listsHandshake } from '../../../src/http/server/accept-queue.ts';
import { type Connections, trackConnections } from '../../../src/http/server/connections.ts';
import { ClosableResponse } from '../../../src/http/server/last-answer.ts';
import { stop } from '../../../src/http/server/stop.ts';
import { connectRaw, type Raw } from '../../support/raw.ts';

const GRACE_MS = 10_000;
const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

type Running = { server: Server; connections: Connections; origin: string };

async function startServer(): Promise<Running> {
  const connections = trackConnections((_, response) => void response.end('answered'));
  const server = createServer({ ServerResponse: ClosableResponse }, connections.receive).on(
    'connection',
    connections.add,
  );
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, connections, origin: `http://127.0.0.1:${port}` };
}

/** A connection with an answer, which can be used again. */
async function keptConnection({ origin }: Running): Promise<Raw> {
  const raw = await connectRaw(origin);
  raw.write(GET);
  await raw.untilAnswers(1);
  return raw;
}

async function beginStop({ server, connections }: Running): Promise<{ stopped: Promise<void> }> {
  const stopped = stop(server, connections, GRACE_MS);
  while (server.listening) await nextTurn();
  return { stopped };
}

const lastAnswer = { status: 200, headers: { connection: 'close' } };

describe('a stop', () => {
  test('answers a client that uses its kept connections one by one, for longer than a second', async () => {
    const running = await startServer();
    const kept = await Promise.all(Array.from({ length: 12 }, () => keptConnection(running)));
    const { stopped } = await beginStop(running);
    for (const raw of kept) {
      await sleep(120);
      raw.write(GET);
    }
    for (const raw of kept) expect((await raw.untilAnswers(2))[1]).toMatchObject(lastAnswer);
    await stopped;
  });

  test('does not take a connection for idle because the whole machine stood still', async () => {
    const running = await startServer();
    const kept = await keptConnection(running);
    const { stopped } = await beginStop(running);
    await sleep(20);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    await sleep(50);
    kept.write(GET);
    expect((await kept.untilAnswers(2))[1]).toMatchObject(lastAnswer);
    await stopped;
  });

  test('waits for nothing when there is no connection', async () => {
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const running = await startServer();
      const kept = await keptConnection(running);
      kept.socket.destroy();
      await expect.poll(running.connections.isEmpty).toBe(true);
      const start = performance.now();
      await stop(running.server, running.connections, GRACE_MS);
      took.push(performance.now() - start);
    }
    expect(Math.min(...took)).toBeLessThan(150);
  });
});

/** A program whose listener has room for two connections, and accepts none. */
const NEVER_ACCEPTS = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

async function overflow(port: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await nextTurn();
    socket.destroy();
  }
}

test.runIf(process.platform === 'linux')(
  'a full queue of another program does not delay a stop',
  async () => {
    const other = spawn(process.execPath, ['-e', NEVER_ACCEPTS], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void other.kill('SIGKILL'));
    const [port] = await once(other.stdout, 'data');
    const { server, connections } = await startServer();
    let isOver = false;
    const overflowing = overflow(Number(port), () => isOver);
    await sleep(50);
    const start = performance.now();
    await stop(server, connections, GRACE_MS);
    expect(performance.now() - start).toBeLessThan(800);
    isOver = true;
    await overflowing;
  },
);

describe('the table of connections', () => {
  const header =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  const row = (local: string, state: string) =>
    `   1: ${local} 0100007F:C350 ${state} 00000000:00000000 01:00000012 00000000     0        0 0 1 0`;
  const listed = (...rows: string[]) => listsHandshake([header, ...rows, ''].join('\n'), 8_080);

  test('shows a client whose handshake is not over', () => {
    expect(listed(row('0100007F:07E8', '0A'), row('0100007F:1F90', '03'))).toBe(true);
    expect(listed(row('0000000000000000FFFF00000100007F:1F90', '03'))).toBe(true);
  });

  test.each([
    ['a listener', row('0100007F:1F90', '0A')],
    ['an open connection', row('0100007F:1F90', '01')],
    ['a handshake with another port', row('0100007F:1F91', '03')],
    ['a longer number', row('0100007F:01F9', '03')],
  ])('does not confuse it with %s', (_, other) => {
    expect(listed(other)).toBe(false);
  });
});

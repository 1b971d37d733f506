import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { type ByteBudget, createByteBudget } from '../../../src/apis/gateway/byte-budget.ts';
import { meter } from '../../../src/apis/gateway/message-meter.ts';
import { bridge, type Leg } from '../../../src/apis/gateway/socket-bridge.ts';
import { openSocket, socketUpstream } from '../../support/websockets.ts';
import { codex, socketGateway, withKey } from './socket-gateway.ts';

const MIB = 1024 * 1024;

/** The client has the key 1. A client gets a quarter of the budget. */
async function opened(budget: ByteBudget) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const upstream = await socketUpstream();
  const { origin } = await socketGateway([codex(upstream.origin)], { budget });
  const client = await openSocket(origin, '/v1/ws', withKey);
  const [ofUpstream] = upstream.sockets as [WebSocket];
  return {
    ...client,
    ofUpstream,
    /** When a side is cut off, it stays open for a second. */
    async bothClosed(cutOff: Promise<unknown>, other: Promise<unknown>) {
      const closed = await other;
      vi.advanceTimersByTime(1_000);
      return [await cutOff, closed];
    },
    upstreamClosed: once(ofUpstream, 'close').then(([code, reason]) => ({ code, reason: String(reason) })),
  };
}

/** Whether the client has nothing in the budget. */
const isFree = (budget: ByteBudget, share: number) => () => {
  const all = budget('key 1');
  const fits = all.resize(share);
  all.resize(0);
  return fits;
};

const FULL = { code: 1013, reason: 'Too many long messages are in memory.' };

describe('a message that is not whole', () => {
  test('and for which the share of its client has no place, closes both sides', async () => {
    const budget = createByteBudget(16 * MIB);
    const { socket, closed, bothClosed, upstreamClosed } = await opened(budget);
    const another = budget('key 1');
    another.resize(3 * MIB);
    socket.send(Buffer.alloc(2 * MIB), { fin: false });
    expect(await bothClosed(closed, upstreamClosed)).toEqual([FULL, FULL]);
    await expect.poll(isFree(budget, MIB)).toBe(true);
  });

  test('counts for its client too when the upstream sends it', async () => {
    const budget = createByteBudget(4 * MIB);
    const { ofUpstream, closed, bothClosed, upstreamClosed } = await opened(budget);
    ofUpstream.send(Buffer.alloc(2 * MIB), { fin: false });
    expect(await bothClosed(upstreamClosed, closed)).toEqual([FULL, FULL]);
    await expect.poll(isFree(budget, MIB)).toBe(true);
  });

  test('counts with the pongs that come between its fragments', async () => {
    const { socket, closed, bothClosed, upstreamClosed } = await opened(createByteBudget(0));
    socket.send('x', { fin: false });
    for (let sent = 0; sent < 256 * 1024; sent += 125) socket.pong(Buffer.alloc(125));
    expect(await bothClosed(closed, upstreamClosed)).toEqual([FULL, FULL]);
  });

  test('is closed after a minute, although its client is alive', async () => {
    const { socket, next, ofUpstream, closed, bothClosed, upstreamClosed } = await opened(createByteBudget());
    socket.send('x', { fin: false });
    for (let round = 0; round < 2; round++) {
      const pinged = [once(socket, 'ping'), once(ofUpstream, 'ping')];
      socket.ping();
      await once(socket, 'pong');
      vi.advanceTimersByTime(30_000);
      await Promise.all(pinged);
      // These come after the pongs of both.
      ofUpstream.send('alive');
      await next();
      socket.ping();
      await once(socket, 'pong');
    }
    vi.advanceTimersByTime(30_000);
    const late = { code: 1008, reason: 'The message takes too long.' };
    expect(await bothClosed(closed, upstreamClosed)).toEqual([late, late]);
  });

  test('has 2,048 fragments at most', async () => {
    const { socket, closed } = await opened(createByteBudget());
    for (let i = 0; i < 2_049; i++) socket.send('x', { fin: false });
    expect(await closed).toMatchObject({ code: 1008 });
  });
});

test('a side that is cut off is not read, also when the other side has closed', async () => {
  const legs: Leg[] = [];
  const { origin } = await socketUpstream((socket, { socket: connection }) =>
    legs.push({ socket, connection }),
  );
  const { socket } = await openSocket(origin);
  await openSocket(origin);
  const [client, upstream] = legs as [Leg, Leg];
  const reserve = createByteBudget(0);
  bridge(
    client,
    upstream,
    () => reserve('key 1'),
    () => undefined,
  );
  socket.send(Buffer.alloc(MIB), { fin: false });
  await once(upstream.socket, 'close');
  expect(client.socket.isPaused).toBe(true);
});

test('short messages and pings need no budget', async () => {
  const { socket, next } = await opened(createByteBudget(0));
  for (let i = 0; i < 300; i++) {
    socket.ping('a sign of life');
    await once(socket, 'pong');
  }
  for (let i = 0; i < 5; i++) {
    socket.send(Buffer.alloc(100 * 1024));
    expect((await next()).data).toHaveLength(100 * 1024);
  }
});

test('a long message gives its bytes back when it has passed', async () => {
  const budget = createByteBudget(8 * MIB);
  const { socket, next } = await opened(budget);
  for (let i = 0; i < 3; i++) {
    socket.send(Buffer.alloc(MIB));
    expect((await next()).data).toHaveLength(MIB);
    await expect.poll(isFree(budget, 2 * MIB)).toBe(true);
  }
});

test('pieces of one byte count with the memory that each needs', () => {
  const [socket, connection] = [new EventEmitter(), new EventEmitter()];
  const onFull = vi.fn<() => void>();
  meter('client', socket as WebSocket, connection as Socket, createByteBudget(0)('key 1'), onFull);
  for (let i = 0; i < 250; i++) connection.emit('data', Buffer.alloc(1));
  expect(onFull).not.toHaveBeenCalled();
  for (let i = 0; i < 10; i++) connection.emit('data', Buffer.alloc(1));
  expect(onFull).toHaveBeenCalled();
});

test('a whole message counts until the other side has taken it, also after a close', () => {
  const budget = createByteBudget(8 * MIB);
  const [socket, connection] = [new EventEmitter(), new EventEmitter()];
  const { hold } = meter(
    'client',
    socket as WebSocket,
    connection as Socket,
    budget('key 1'),
    () => undefined,
  );
  for (let i = 0; i < 16; i++) connection.emit('data', Buffer.alloc(64 * 1024));
  const release = hold(MIB);
  socket.emit('close');
  expect([isFree(budget, 2 * MIB)(), isFree(budget, MIB)()]).toEqual([false, true]);
  release();
  expect(isFree(budget, 2 * MIB)()).toBe(true);
});

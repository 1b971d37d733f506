import { once } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { openSocket, refusalOf, type SocketUpstream, socketUpstream } from '../../support/websockets.ts';
import { codex, socketGateway, withKey } from './socket-gateway.ts';

const closeOf = async ({ sockets }: SocketUpstream, which = 0) => {
  const [code, reason] = await once(sockets[which] as WebSocket, 'close');
  return { code, reason: String(reason) };
};

describe('when one side closes, the other side does too', () => {
  const codes: [number | undefined, string, number][] = [
    [1000, 'done', 1000],
    [1011, 'failed', 1011],
    [4001, 'of the application', 4001],
    [undefined, '', 1005],
  ];

  test.each(codes)('the client, with %s', async (code, reason, expected) => {
    const upstream = await socketUpstream();
    const { origin, placesTaken } = await socketGateway([codex(upstream.origin)]);
    const { socket } = await openSocket(origin, '/v1/ws', withKey);
    expect(placesTaken()).toBe(1);
    const closed = closeOf(upstream);
    socket.close(code, reason);
    expect(await closed).toEqual({ code: expected, reason });
    await expect.poll(placesTaken).toBe(0);
  });

  test.each(codes)('the upstream, with %s', async (code, reason, expected) => {
    const upstream = await socketUpstream();
    const { origin, placesTaken } = await socketGateway([codex(upstream.origin)]);
    const { closed, next } = await openSocket(origin, '/v1/ws', withKey);
    upstream.sockets[0]?.send('the last words');
    upstream.sockets[0]?.close(code, reason);
    expect(String((await next()).data)).toBe('the last words');
    expect(await closed).toEqual({ code: expected, reason });
    await expect.poll(placesTaken).toBe(0);
  });

  test('an upstream that is gone without a word: the client learns 1011', async () => {
    const upstream = await socketUpstream();
    const { origin, placesTaken } = await socketGateway([codex(upstream.origin)]);
    const { closed } = await openSocket(origin, '/v1/ws', withKey);
    upstream.sockets[0]?.terminate();
    expect(await closed).toMatchObject({ code: 1011 });
    await expect.poll(placesTaken).toBe(0);
  });

  test('a client that is gone without a word: the upstream learns 1001', async () => {
    const upstream = await socketUpstream();
    const { origin, placesTaken } = await socketGateway([codex(upstream.origin)]);
    const { socket } = await openSocket(origin, '/v1/ws', withKey);
    const closed = closeOf(upstream);
    socket.terminate();
    expect(await closed).toMatchObject({ code: 1001 });
    await expect.poll(placesTaken).toBe(0);
  });

  test('a message that is too long closes both', async () => {
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const { socket, closed } = await openSocket(origin, '/v1/ws', withKey);
    const ofUpstream = closeOf(upstream);
    socket.send(Buffer.alloc(32 * 1024 * 1024 + 1));
    expect(await closed).toMatchObject({ code: 1009 });
    expect(await ofUpstream).toMatchObject({ code: 1001 });
  });
});

test('a client that does not read holds the upstream up, and gets everything later', async () => {
  const MESSAGES = 1_000;
  const message = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const upstream = await socketUpstream((socket) => {
    const send = () => {
      if (sent === MESSAGES) return socket.close(1000);
      sent++;
      socket.send(message, send);
    };
    send();
  });
  const { origin } = await socketGateway([codex(upstream.origin)]);
  const { socket, closed } = await openSocket(origin, '/v1/ws', withKey);
  let received = 0;
  socket.on('message', () => received++);
  socket.pause();
  let before = 0;
  const isQuiet = () => {
    const isSame = sent === before;
    before = sent;
    return isSame;
  };
  await expect.poll(isQuiet, { interval: 500 }).toBe(true);
  // What the buffers of the system and of the gateway hold.
  expect(sent).toBeLessThan(MESSAGES / 2);
  socket.resume();
  expect(await closed).toMatchObject({ code: 1000 });
  expect(received).toBe(MESSAGES);
});

/** Then only the test makes an interval pass. */
function withFakeIntervals(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
}

describe('at intervals', () => {
  test('a client that shows no sign of life is closed, and so is its upstream', async () => {
    withFakeIntervals();
    const upstream = await socketUpstream();
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const silent = await openSocket(origin, '/v1/ws', { ...withKey, autoPong: false });
    const lively = await openSocket(origin, '/v1/ws', withKey);
    const pinged = [silent, lively].map(({ socket }) => once(socket, 'ping'));
    vi.advanceTimersByTime(30_000);
    await Promise.all(pinged);
    lively.socket.send('a sign of life');
    await lively.next();
    const ofUpstream = closeOf(upstream);
    vi.advanceTimersByTime(30_000);
    expect(await silent.closed).toMatchObject({ code: 1006 });
    expect(await ofUpstream).toMatchObject({ code: 1001 });
    lively.socket.send('still open');
    expect(String((await lively.next()).data)).toBe('still open');
  });

  test('an upstream that shows none is closed, and so is the client', async () => {
    withFakeIntervals();
    const upstream = await socketUpstream((socket) => socket.pause());
    const { origin } = await socketGateway([codex(upstream.origin)]);
    const { socket, closed } = await openSocket(origin, '/v1/ws', withKey);
    const pinged = once(socket, 'ping');
    vi.advanceTimersByTime(30_000);
    await pinged;
    // The answer to this comes after the gateway has got the one to its own.
    socket.ping();
    await once(socket, 'pong');
    vi.advanceTimersByTime(30_000);
    expect(await closed).toMatchObject({ code: 1011 });
  });

  test('a socket whose key is no longer valid is closed', async () => {
    withFakeIntervals();
    const upstream = await socketUpstream();
    const { origin, invalid, placesTaken } = await socketGateway([codex(upstream.origin)]);
    const { socket, next, closed } = await openSocket(origin, '/v1/ws', withKey);
    vi.advanceTimersByTime(5_000);
    socket.send('valid');
    await next();
    invalid.add(1);
    vi.advanceTimersByTime(5_000);
    expect(await closed).toEqual({ code: 1008, reason: 'Invalid API key.' });
    await expect.poll(placesTaken).toBe(0);
  });
});

test('a reload closes a socket whose key has left the file, at once', async () => {
  withFakeIntervals();
  const upstream = await socketUpstream();
  const { origin, invalid, reload } = await socketGateway([codex(upstream.origin)]);
  const { closed } = await openSocket(origin, '/v1/ws', withKey);
  invalid.add(1);
  reload({});
  expect(await closed).toMatchObject({ code: 1008 });
});

test('a stop refuses new sockets, and closes the open ones with 1001', async () => {
  const upstream = await socketUpstream();
  const { origin, webSockets } = await socketGateway([codex(upstream.origin)]);
  const { closed } = await openSocket(origin, '/v1/ws', withKey);
  webSockets.stop(200);
  expect((await refusalOf(openSocket(origin, '/v1/ws', withKey))).status).toBe(503);
  expect(await closed).toMatchObject({ code: 1001 });
});

import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createByteBudget, type Reservation } from '../../../src/apis/gateway/byte-budget.ts';
import { openHold } from '../../../src/apis/gateway/held-bytes.ts';
import { untilModel } from '../../../src/apis/gateway/request-body.ts';
import { readAtMost } from '../../../src/http/body.ts';
import { CLIENT_KEY, credential, OTHER_KEY, startGateway } from '../../support/client-api.ts';
import { startUpstream } from '../../support/upstream.ts';

const MIB = 1024 * 1024;

/** A request whose body the test writes. */
function request(headers: Record<string, string> = { 'transfer-encoding': 'chunked' }) {
  const stream = new PassThrough();
  const incoming = Object.assign(stream, { headers: headers }) as unknown as IncomingMessage;
  return { incoming, emit: (piece: Buffer) => void stream.emit('data', piece), stream };
}

const failure = (of: Promise<unknown>) =>
  of.then(
    () => 'none',
    ({ failure: { code, reason } }) => reason ?? code,
  );

describe('a body in pieces of one byte', () => {
  const [filler, end] = ['x'.repeat(50_000), '","model":"m"}'];
  const body = `{"text":"${filler}${end}`;

  /** The piece changes afterwards, so the body is right only where it was copied. */
  function inPieces(emit: (piece: Buffer) => void) {
    const piece = Buffer.from('x');
    emit(Buffer.from('{"text":"'));
    for (let i = 0; i < filler.length; i++) emit(piece);
    piece.fill(0);
    emit(Buffer.from(end));
  }

  test('is one buffer in the gateway', async () => {
    const { incoming, emit, stream } = request({ 'content-length': String(body.length) });
    const read = untilModel(incoming, () => openHold(createByteBudget()('key 1')));
    inPieces(emit);
    stream.emit('end');
    const { content, model } = await read;
    expect([String(content(null)), model]).toEqual([body, 'm']);
  });

  test('is one buffer in the core', async () => {
    const { incoming, emit, stream } = request();
    const read = readAtMost(incoming, 64 * 1024);
    inPieces(emit);
    stream.emit('end');
    expect(String(await read)).toBe(body);
  });
});

describe('all bodies together', () => {
  const start = (reservation: Reservation, bytes: number) => {
    const { incoming, emit, stream } = request();
    const hold = openHold(reservation);
    const read = untilModel(incoming, () => hold);
    const result = failure(read);
    emit(Buffer.from('{"text":"'));
    for (let sent = 0; sent < bytes; sent += 64 * 1024) emit(Buffer.alloc(64 * 1024, 'x'));
    return { hold, read, result, emit, stream };
  };

  test('have a budget: the next long one is refused, and a short one passes', async () => {
    const reserve = createByteBudget(12 * MIB, 4 * MIB);
    start(reserve('key 1'), 1.9 * MIB);
    expect(await start(reserve('key 1'), 1.9 * MIB).result).toBe('bodies');
    const short = start(reserve('key 1'), 0);
    short.emit(Buffer.alloc(32 * 1024, 'x'));
    short.emit(Buffer.from('","model":"m"'));
    expect((await short.read).model).toBe('m');
  });

  test.each<[string, (body: ReturnType<typeof start>) => unknown]>([
    [
      'was passed on',
      async ({ emit, read, stream }) => {
        emit(Buffer.from('","model":"m"}'));
        const content = (await read).content(null);
        stream.end();
        let size = 0;
        for await (const piece of content as AsyncIterable<Buffer>) size += piece.length;
        expect(size).toBeGreaterThan(1.9 * MIB);
      },
    ],
    [
      'is broken off',
      ({ stream, result }) => {
        stream.emit('close');
        return result;
      },
    ],
    [
      'is too long',
      ({ emit, result }) => {
        emit(Buffer.alloc(32 * MIB));
        return result;
      },
    ],
    ['ends with its request', ({ hold }) => hold.drop()],
  ])('get back what a body held that %s', async (_, end) => {
    const budget = createByteBudget(12 * MIB, 4 * MIB);
    const first = start(budget('key 1'), 1.9 * MIB);
    await end(first);
    first.hold.drop();
    const next = start(budget('key 1'), 1.9 * MIB);
    next.emit(Buffer.from('","model":"m"'));
    expect(await next.result).toBe('none');
    expect(await start(budget('key 1'), 1.9 * MIB).result).toBe('bodies');
  });
});

test('the long bodies of one key do not keep out those of another key', async () => {
  const upstream = await startUpstream();
  const budget = createByteBudget(8 * MIB);
  const config = { credentials: [credential({ baseUrl: upstream.origin })] };
  const { origin } = await startGateway({ budget, config });
  const body = `{"text":"${'x'.repeat(300 * 1024)}","model":"m"}`;
  const statusFor = async (key: string) => {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers, body });
    return answer.status;
  };
  const ofFirstKey = budget('key 1');
  ofFirstKey.resize(2 * MIB);
  expect([await statusFor(CLIENT_KEY), await statusFor(OTHER_KEY)]).toEqual([503, 200]);
  ofFirstKey.resize(0);
  expect(await statusFor(CLIENT_KEY)).toBe(200);
});

describe('a body whose model does not come', () => {
  afterEach(() => void vi.useRealTimers());

  const begin = (headers?: Record<string, string>) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const { incoming, emit } = request(headers);
    const result = failure(untilModel(incoming, () => openHold(createByteBudget()('key 1'))));
    emit(Buffer.from('{"text":"'));
    return { emit, result };
  };

  const lengths = [
    ['of unknown length', undefined],
    ['of a short length', { 'content-length': '1000' }],
  ] as const;

  test.each(lengths)('%s, and that stands still, is a 408', async (_, headers) => {
    const { result } = begin(headers);
    vi.advanceTimersByTime(36_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(await result).toBe('request_timeout');
  });

  test.each(lengths)('%s, and that drips, is a 408', async (_, headers) => {
    const { emit, result } = begin(headers);
    for (let second = 0; second < 70; second++) {
      emit(Buffer.from('x'));
      vi.advanceTimersByTime(1_000);
    }
    expect(vi.getTimerCount()).toBe(0);
    expect(await result).toBe('request_timeout');
  });

  test('and that is long and honest, has its time', async () => {
    const { emit, result } = begin();
    for (let second = 0; second < 600; second++) {
      emit(Buffer.alloc(50 * 1024, 'x'));
      vi.advanceTimersByTime(1_000);
    }
    emit(Buffer.from('","model":"m"'));
    expect(await result).toBe('none');
    expect(vi.getTimerCount()).toBe(0);
  });
});

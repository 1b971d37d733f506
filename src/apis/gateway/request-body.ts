import type { IncomingMessage } from 'node:http';
import { hasBody } from '../../http/body.ts';
import { DomainError, type Failure } from '../../lib/failure.ts';
import { createGrowingBuffer } from '../../lib/growing-buffer.ts';
import { createModelScanner, type ModelFound, writtenPrefix } from '../../upstreams/model-scanner.ts';
import { HELD_BYTES, type Hold, WHOLE_BYTES } from './held-bytes.ts';

/** A body whose model is not found yet may stand still for so long. */
const IDLE_MS = 30_000;
/** It has so long in all, and longer while it arrives at this pace: the longest one about 18 minutes. */
const TOTAL_MS = 60_000;
const BYTES_PER_MS = 32;
const CHECK_EVERY_MS = 5_000;

/** A body that waits for an upstream. */
export type RequestBody = Readonly<{
  /** The model that it names. */
  model: string | null;
  /** Its length; undefined when the client does not say it. */
  length: number | undefined;
  /** What is sent to the upstream. It can be called again as long as nothing was read of it. */
  content: (prefix: string | null) => Buffer | AsyncIterable<Buffer> | null;
  /** How many bytes shorter it is without the prefix. */
  cut: (prefix: string | null) => number;
}>;

const none: RequestBody = { model: null, length: undefined, content: () => null, cut: () => 0 };

/** A model can be in JSON, and not in what is compressed. */
const mayNameModel = ({ headers }: IncomingMessage) =>
  /[/+]json\b/i.test(headers['content-type'] ?? 'application/json') &&
  (headers['content-encoding'] ?? 'identity') === 'identity';

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** A body that passes through as it arrives. */
export function streamed(request: IncomingMessage): RequestBody {
  if (!hasBody(request)) return none;
  return {
    model: null,
    length: lengthOf(request),
    content: () => rest(request, [], () => undefined),
    cut: () => 0,
  };
}

/**
 * Reads a JSON body until its model is found, and a short one to its end.
 * @param openHold opens what keeps the part of a long body that is read. The caller drops it when the exchange ends.
 * @throws DomainError `body_too_large`, `malformed_request`, `overloaded`, `request_timeout`
 */
export async function untilModel(request: IncomingMessage, openHold: () => Hold): Promise<RequestBody> {
  if (!hasBody(request)) return none;
  if (!mayNameModel(request)) return streamed(request);
  const length = lengthOf(request);
  if (length !== undefined && length <= WHOLE_BYTES) return whole(await readShort(request, length), length);
  const scanner = createModelScanner();
  const hold = openHold();
  const isWhole = await fill(hold, request, scanner);
  const found = scanner.found();
  if (found.state === 'duplicate') throw new DomainError(duplicate);
  const check = (piece: Buffer) => {
    if (scanner.push(piece).state === 'duplicate') throw new DomainError(duplicate);
  };
  return {
    model: found.state === 'found' ? found.model : null,
    length,
    content(prefix) {
      const pieces = withoutPrefix(hold.bytes(), found, prefix);
      return isWhole ? joined(pieces) : rest(request, pieces, hold.drop, check);
    },
    cut: (prefix) => cutOf(found, prefix),
  };
}

function whole(bytes: Buffer, length: number): RequestBody {
  const scanner = createModelScanner();
  scanner.push(bytes);
  const found = scanner.end();
  if (found.state === 'duplicate') throw new DomainError(duplicate);
  return {
    model: found.state === 'found' ? found.model : null,
    length,
    content: (prefix) => joined(withoutPrefix(bytes, found, prefix)),
    cut: (prefix) => cutOf(found, prefix),
  };
}

const joined = (pieces: readonly Buffer[]): Buffer => {
  const [first] = pieces;
  return pieces.length === 1 && first ? first : Buffer.concat(pieces);
};

const duplicate: Failure = { code: 'malformed_request', reason: 'duplicate_model' };

const cutOf = (found: ModelFound, prefix: string | null) =>
  found.state === 'found' && prefix !== null ? writtenPrefix(found.raw, prefix) : 0;

function withoutPrefix(bytes: Buffer, found: ModelFound, prefix: string | null): Buffer[] {
  const cut = cutOf(found, prefix);
  if (found.state !== 'found' || cut === 0) return [bytes];
  return [bytes.subarray(0, found.start), bytes.subarray(found.start + cut)];
}

/** Reads a body that needs no hold. Most of them arrive in one piece, and need no timer. */
async function readShort(request: IncomingMessage, length: number): Promise<Buffer> {
  const buffer = createGrowingBuffer(length);
  let size = 0;
  await read(request, (piece, pace) => {
    buffer.add(piece);
    size += piece.length;
    if (size < length) pace.watch();
    return false;
  });
  return buffer.bytes();
}

/**
 * Resolves when the model is found or certainly absent.
 * @returns whether the body is complete
 */
async function fill(
  hold: Hold,
  request: IncomingMessage,
  scanner: ReturnType<typeof createModelScanner>,
): Promise<boolean> {
  let size = 0;
  try {
    const isWhole = await read(request, (piece, pace) => {
      size += piece.length;
      if (size > HELD_BYTES) throw new DomainError({ code: 'body_too_large', limitBytes: HELD_BYTES });
      hold.add(piece);
      pace.watch(size);
      return scanner.push(piece).state !== 'searching';
    });
    if (isWhole) scanner.end();
    return isWhole;
  } catch (error) {
    hold.drop();
    throw error;
  }
}

/** Refuses a body that stands still, or that is slow. */
type Pace = { watch(size?: number): void };

/**
 * Reads a body until `receive` has enough or throws, or to its end. What still arrives after an error is discarded.
 * @returns whether the body is complete
 */
function read(request: IncomingMessage, receive: (piece: Buffer, pace: Pace) => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let start = 0;
    let last = 0;
    let size = 0;
    let timer: NodeJS.Timeout | undefined;
    const pace: Pace = {
      watch(arrived = 0) {
        last = performance.now();
        size = arrived;
        if (timer) return;
        start = last;
        timer = setInterval(check, CHECK_EVERY_MS).unref();
      },
    };
    function stop(): void {
      clearInterval(timer);
      request.off('data', take).off('end', end).off('close', leave);
    }
    function refuse(error: unknown): void {
      stop();
      reject(error);
    }
    function check(): void {
      const now = performance.now();
      if (now - last > IDLE_MS || now - start > TOTAL_MS + size / BYTES_PER_MS)
        refuse(new DomainError({ code: 'request_timeout' }));
    }
    function take(piece: Buffer): void {
      try {
        if (!receive(piece, pace)) return;
      } catch (error) {
        refuse(error);
        return;
      }
      stop();
      request.pause();
      resolve(false);
    }
    function end(): void {
      stop();
      resolve(true);
    }
    const leave = () => refuse(new DomainError({ code: 'malformed_request', reason: 'body_incomplete' }));
    request.on('data', take).once('end', end).once('close', leave);
    if (request.destroyed) leave();
  });
}

/** What is held, and then what arrives. */
async function* rest(
  request: IncomingMessage,
  held: readonly Buffer[],
  drop: () => void,
  check: (piece: Buffer) => void = () => undefined,
): AsyncGenerator<Buffer> {
  try {
    yield* held;
  } finally {
    drop();
  }
  // The answer of the upstream may come first, and still has to reach the client over this connection.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    check(piece);
    yield piece;
  }
}

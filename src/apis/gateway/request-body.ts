import type { IncomingMessage } from 'node:http';
import { hasBody } from '../../http/body.ts';
import { DomainError, type Failure } from '../../lib/failure.ts';
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
 * Reads a JSON body until its model is found.
 * @param hold keeps what is read. It is dropped when the upstream has it, and else by the caller.
 * @throws DomainError `body_too_large`, `malformed_request`, `overloaded`, `request_timeout`
 */
export async function untilModel(request: IncomingMessage, hold: Hold): Promise<RequestBody> {
  if (!hasBody(request)) return none;
  if (!mayNameModel(request)) return streamed(request);
  const scanner = createModelScanner();
  const length = lengthOf(request);
  const isWhole = await fill(hold, request, scanner, (length ?? WHOLE_BYTES + 1) <= WHOLE_BYTES);
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
      if (!isWhole) return rest(request, pieces, hold.drop, check);
      const [first] = pieces;
      return pieces.length === 1 && first ? first : Buffer.concat(pieces);
    },
    cut: (prefix) => cutOf(found, prefix),
  };
}

const duplicate: Failure = { code: 'malformed_request', reason: 'duplicate_model' };

const cutOf = (found: ModelFound, prefix: string | null) =>
  found.state === 'found' && prefix !== null ? writtenPrefix(found.raw, prefix) : 0;

function withoutPrefix(bytes: Buffer, found: ModelFound, prefix: string | null): Buffer[] {
  const cut = cutOf(found, prefix);
  if (found.state !== 'found' || cut === 0) return [bytes];
  return [bytes.subarray(0, found.start), bytes.subarray(found.start + cut)];
}

/**
 * Resolves when the model is found or certainly absent, and for a short body when it is complete.
 * @returns whether the body is complete
 */
function fill(
  hold: Hold,
  request: IncomingMessage,
  scanner: ReturnType<typeof createModelScanner>,
  untilEnd: boolean,
): Promise<boolean> {
  let size = 0;
  let start = 0;
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve, reject) => {
    function stop(): void {
      clearInterval(timer);
      request.off('data', receive).off('end', end).off('close', leave);
    }
    function settle(isWhole: boolean): void {
      stop();
      request.pause();
      resolve(isWhole);
    }
    /** What still arrives is read and forgotten. */
    function refuse(error: unknown): void {
      stop();
      hold.drop();
      reject(error);
    }
    function receive(piece: Buffer): void {
      size += piece.length;
      try {
        if (size > HELD_BYTES) throw new DomainError({ code: 'body_too_large', limitBytes: HELD_BYTES });
        hold.add(piece);
      } catch (error) {
        refuse(error);
        return;
      }
      const { state } = scanner.push(piece);
      if (state === 'duplicate' || (state !== 'searching' && !untilEnd)) settle(false);
      else watch();
    }
    function watch(): void {
      last = performance.now();
      if (timer) return;
      start = last;
      timer = setInterval(check, CHECK_EVERY_MS);
      timer.unref();
    }
    function check(): void {
      const now = performance.now();
      if (now - last > IDLE_MS || now - start > TOTAL_MS + size / BYTES_PER_MS)
        refuse(new DomainError({ code: 'request_timeout' }));
    }
    function end(): void {
      scanner.end();
      settle(true);
    }
    const leave = () => refuse(new DomainError({ code: 'malformed_request', reason: 'body_incomplete' }));
    request.on('data', receive).once('end', end).once('close', leave);
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

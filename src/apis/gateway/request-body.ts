import type { IncomingMessage } from 'node:http';
import { hasBody } from '../../http/body.ts';
import { DomainError, type Failure } from '../../lib/failure.ts';
import { createModelScanner, type ModelFound, writtenPrefix } from '../../upstreams/model-scanner.ts';

/** So much of a body is held until its model is found. */
export const HELD_BYTES = 32 * 1024 * 1024;
/** A body up to this size is read as a whole. Then it can be sent again, and needs one write. */
const WHOLE_BYTES = 64 * 1024;

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
  return { model: null, length: lengthOf(request), content: () => rest(request, []), cut: () => 0 };
}

/**
 * Reads a JSON body until its model is found.
 * @throws DomainError `body_too_large`, `malformed_request`
 */
export async function untilModel(request: IncomingMessage): Promise<RequestBody> {
  if (!hasBody(request)) return none;
  if (!mayNameModel(request)) return streamed(request);
  const scanner = createModelScanner();
  const length = lengthOf(request);
  const held = await hold(request, scanner, (length ?? WHOLE_BYTES + 1) <= WHOLE_BYTES);
  const found = scanner.found();
  if (found.state === 'duplicate') throw new DomainError(duplicate);
  const check = (piece: Buffer) => {
    if (scanner.push(piece).state === 'duplicate') throw new DomainError(duplicate);
  };
  return {
    model: found.state === 'found' ? found.model : null,
    length,
    content(prefix) {
      const pieces = withoutPrefix(held.pieces, found, prefix);
      if (!held.isWhole) return rest(request, pieces, check);
      const [first] = pieces;
      return pieces.length === 1 && first ? first : Buffer.concat(pieces);
    },
    cut: (prefix) => cutOf(found, prefix),
  };
}

const duplicate: Failure = { code: 'malformed_request', reason: 'duplicate_model' };

const cutOf = (found: ModelFound, prefix: string | null) =>
  found.state === 'found' && prefix !== null ? writtenPrefix(found.raw, prefix) : 0;

function withoutPrefix(pieces: readonly Buffer[], found: ModelFound, prefix: string | null): Buffer[] {
  const cut = cutOf(found, prefix);
  if (found.state !== 'found' || cut === 0) return [...pieces];
  const all = Buffer.concat(pieces);
  return [all.subarray(0, found.start), all.subarray(found.start + cut)];
}

type Held = { pieces: Buffer[]; isWhole: boolean };

/** Resolves when the model is found or certainly absent, and for a short body when it is complete. */
function hold(
  request: IncomingMessage,
  scanner: ReturnType<typeof createModelScanner>,
  untilEnd: boolean,
): Promise<Held> {
  const pieces: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    function settle(isWhole: boolean): void {
      request.off('data', receive).off('end', end).off('close', leave).pause();
      resolve({ pieces, isWhole });
    }
    function receive(piece: Buffer): void {
      size += piece.length;
      pieces.push(piece);
      const { state } = scanner.push(piece);
      if (state === 'duplicate' || (state !== 'searching' && !untilEnd)) settle(false);
      else if (size > HELD_BYTES) {
        request.off('data', receive);
        reject(new DomainError({ code: 'body_too_large', limitBytes: HELD_BYTES }));
      }
    }
    function end(): void {
      scanner.end();
      settle(true);
    }
    const leave = () => reject(new DomainError({ code: 'malformed_request', reason: 'body_incomplete' }));
    request.on('data', receive).once('end', end).once('close', leave);
    if (request.destroyed) leave();
  });
}

/** What is held, and then what arrives. */
async function* rest(
  request: IncomingMessage,
  held: readonly Buffer[],
  check: (piece: Buffer) => void = () => undefined,
): AsyncGenerator<Buffer> {
  yield* held;
  // The answer of the upstream may come first, and still has to reach the client over this connection.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    check(piece);
    yield piece;
  }
}

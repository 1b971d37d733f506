import { connect } from 'node:net';
import { errorCode } from '../../src/lib/error-code.ts';

/** What became of a request. */
export type Outcome =
  | { is: 'answered'; status: number }
  /** The port was closed before there was a connection, so nothing was sent. */
  | { is: 'refused' }
  /** There was a connection, and no whole answer came over it. */
  | { is: 'lost'; reason: string };

export type Connection = {
  /** Sends the request, and waits for its answer. */
  ask(): Promise<Outcome>;
  /** Whether it can be used again, as far as this side knows. */
  isUsable(): boolean;
  close(): void;
};

const NO_ANSWER_MS = 15_000;

/** A connection that tells what became of each request. Clients for HTTP repeat some requests silently. */
export function openConnection(port: number, request: string): Connection {
  const socket = connect({ port, host: '127.0.0.1' });
  let isConnected = false;
  let isOver = false;
  let reason = 'closed without an answer';
  let received = '';
  let settle: ((outcome: Outcome) => void) | undefined;

  function finish(outcome: Outcome): void {
    settle?.(outcome);
    settle = undefined;
  }

  function end(): void {
    isOver = true;
    finish(!isConnected && reason === 'ECONNREFUSED' ? { is: 'refused' } : { is: 'lost', reason });
  }

  socket.once('connect', () => {
    isConnected = true;
  });
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    const answer = parseAnswer(received);
    if (!answer) return;
    received = '';
    isOver ||= answer.isLast;
    finish({ is: 'answered', status: answer.status });
  });
  socket.on('error', (error) => {
    reason = errorCode(error) ?? error.message;
  });
  socket.on('end', end);
  socket.on('close', end);
  socket.setTimeout(NO_ANSWER_MS, () => {
    reason = 'no answer';
    socket.destroy();
  });

  return {
    ask: () =>
      new Promise((resolve) => {
        settle = resolve;
        if (isOver) end();
        else socket.write(request, 'latin1');
      }),
    isUsable: () => !isOver,
    close: () => void socket.destroy(),
  };
}

/** Undefined until the whole answer is there. The answers have a Content-Length. */
export function parseAnswer(text: string): { status: number; isLast: boolean } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
  if (!(text.length >= headEnd + 4 + length)) return undefined;
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]),
    isLast: /^connection: close$/im.test(head),
  };
}

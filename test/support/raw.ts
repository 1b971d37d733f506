import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type RawAnswer = { status: number; headers: Record<string, string>; body: string };

export type Raw = {
  socket: Socket;
  write(bytes: string): void;
  /** All that has arrived. */
  text(): string;
  /** The whole answers in it. */
  answers(): RawAnswer[];
  /** Resolves when there are so many answers, and fails when the other side closes before. */
  untilAnswers(count: number): Promise<RawAnswer[]>;
  /** Resolves when the connection is closed; with the code of the error, if there was one. */
  closed: Promise<string | undefined>;
};

/** A connection for what no HTTP client would send. Destroyed when the test is over. */
export async function connectRaw(origin: string, options: { allowHalfOpen?: boolean } = {}): Promise<Raw> {
  const { port } = new URL(origin);
  const socket = connect({ port: Number(port), host: '127.0.0.1', ...options });
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  let error: string | undefined;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', ({ message }) => {
    error = message;
  });
  const closed = new Promise<string | undefined>((resolve) => socket.once('close', () => resolve(error)));
  await once(socket, 'connect');
  const text = () => Buffer.concat(chunks).toString('latin1');
  const answers = () => parseAnswers(text());
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    text,
    answers,
    async untilAnswers(count) {
      while (answers().length < count) {
        const isClosed = await Promise.race([
          once(socket, 'data').then(() => false),
          closed.then(() => true),
        ]);
        if (isClosed && answers().length < count) throw new Error(`closed (${error}) after: ${text()}`);
      }
      return answers();
    },
    closed,
  };
}

/** All answers here have a Content-Length, or no body. */
function parseAnswers(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; ; ) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return answers;
    const [first = '', ...lines] = rest.slice(0, headEnd).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    );
    const end = headEnd + 4 + Number(headers['content-length'] ?? 0);
    if (rest.length < end) return answers;
    answers.push({ status: Number(first.split(' ')[1]), headers, body: rest.slice(headEnd + 4, end) });
    rest = rest.slice(end);
  }
}

import { once } from 'node:events';
import { connect } from 'node:net';

/** One kept connection that measures how long a service takes to refuse a key. */
export async function openStopwatch(port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.setEncoding('latin1');
  let answer = '';
  let onWhole: () => void = () => undefined;
  let onFailure: (error: Error) => void = () => undefined;
  socket.on('data', (text: unknown) => {
    answer += String(text);
    if (isWhole(answer)) onWhole();
  });
  socket.on('error', (error) => onFailure(error));
  socket.on('close', () => onFailure(new Error('the connection was closed')));
  return {
    /** Sends a request from `requestWith` and waits for its 401. @returns nanoseconds until the answer was there */
    refusal(request: Buffer): Promise<number> {
      answer = '';
      return new Promise((resolve, reject) => {
        onFailure = reject;
        let start = 0n;
        onWhole = () => {
          const took = Number(process.hrtime.bigint() - start);
          if (answer.startsWith('HTTP/1.1 401 ')) resolve(took);
          else reject(new Error(`not a refusal: ${answer}`));
        };
        start = process.hrtime.bigint();
        socket.write(request);
      });
    },
    close(): void {
      onFailure = () => undefined;
      socket.destroy();
    },
  };
}

/** The bytes to send for a key. Making them takes a time of its own, so make all of them first. */
export const requestWith = (key: string) =>
  Buffer.from(`GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${key}\r\n\r\n`);

function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(answer)?.[1]);
  return answer.length >= headEnd + 4 + length;
}

import { connect } from 'node:net';

const CONNECTIONS = 32;
/** Requests that wait for their answers on one connection. The service takes 16. */
const PIPELINED = 8;

const STATUS = /HTTP\/1\.1 (\d{3})/g;
/** One character less than the shortest text that `STATUS` matches. */
const TAIL = 11;

/**
 * Sends `count` verifications over the loopback, as fast as they are answered.
 * @param headersOf the headers of a request by its number, each line with its end
 * @returns how many answers had each status
 */
export async function sendVerifications(
  port: number,
  count: number,
  headersOf: (number: number) => string,
): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  let next = 0;

  function openConnection(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      let unanswered = 0;
      let tail = '';
      function send(): void {
        let requests = '';
        for (; unanswered < PIPELINED && next < count; unanswered++) {
          requests += `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\n${headersOf(next++)}\r\n`;
        }
        if (requests === '') socket.end();
        else socket.write(requests);
      }
      socket.setEncoding('latin1').on('data', (chunk: unknown) => {
        const text = tail + String(chunk);
        for (const [, status = ''] of text.matchAll(STATUS)) {
          statuses[status] = (statuses[status] ?? 0) + 1;
          unanswered--;
        }
        tail = text.slice(-TAIL);
        if (unanswered === 0) send();
      });
      socket.once('connect', send);
      socket.once('error', reject);
      socket.once('close', () => {
        if (unanswered === 0) resolve();
        else reject(new Error('the service closed a connection before its last answer'));
      });
    });
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, openConnection));
  return statuses;
}

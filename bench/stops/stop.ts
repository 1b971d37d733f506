import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../deploy/cluster/free-port.ts';
import { type Load, startTraffic } from './traffic.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const KEY = 'key-of-the-stops-0123456789abcdef0123456789';
/** Its answer is logged each time. */
const REQUEST = `GET /auth/keys HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${KEY}\r\n\r\n`;
const BEGINS_TO_READ_MS = 600;

export type Order = {
  /** Of the service, beside those of an order. */
  env?: Record<string, string>;
  /** Any directory: the first stop registers the key in it. */
  dataDir: string;
  workers: number;
  load: Load;
  /** The service gets its signal after so many answers. */
  answers: number;
  /** `late`: nobody reads the log from its first line to 600 ms after the signal. */
  reader: 'at once' | 'late';
};

export type Stop = {
  answered: number;
  lost: readonly string[];
  /** How many of the answers have no line in the log. */
  missingLines: number;
  /** How the log ends, if not with the line that it must end with. */
  wrongEnd: string | undefined;
};

/** Starts the service, sends it requests, and then SIGTERM. @throws when it does not end with 0 */
export async function stopUnderLoad({
  env = {},
  dataDir,
  workers,
  load,
  answers,
  reader,
}: Order): Promise<Stop> {
  const port = await freePort();
  const service = spawn(process.execPath, [MAIN], {
    env: {
      ...env,
      PATH: process.env.PATH ?? '',
      PORT: String(port),
      KEYHEARTH_DATA_DIR: dataDir,
      KEYHEARTH_BCRYPT_COST: '10',
      KEYHEARTH_WORKERS: String(workers),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(service, 'close');
  const kill = () => void service.kill('SIGKILL');
  process.on('exit', kill);
  try {
    const chunks: Buffer[] = [];
    service.stdout.on('data', (chunk) => chunks.push(chunk));
    const log = () => Buffer.concat(chunks).toString();
    while (!log().includes('"address"')) {
      if (service.exitCode !== null) throw new Error(`the service did not start: ${log()}`);
      await sleep(10);
    }
    await register(port);
    if (reader === 'late') service.stdout.pause();
    const traffic = startTraffic(port, REQUEST, load);
    while (traffic.answered < answers) await sleep(1);
    service.kill('SIGTERM');
    if (reader === 'late') await sleep(BEGINS_TO_READ_MS);
    service.stdout.resume();
    const [code] = await ended;
    if (code !== 0) throw new Error(`the service ended with ${code}: ${log().slice(-1_000)}`);
    await traffic.done;
    return { answered: traffic.answered, lost: traffic.lost, ...inspect(log(), traffic.answered) };
  } finally {
    process.off('exit', kill);
    kill();
  }
}

/** The answer is a 409 when it was registered before. */
async function register(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/auth/register-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ api_key: KEY, label: 'stops' }),
  });
  if (![201, 409].includes(answer.status)) throw new Error(`the key was refused: ${await answer.text()}`);
}

function inspect(log: string, answered: number): Pick<Stop, 'missingLines' | 'wrongEnd'> {
  const written = log.match(/^\{.*"route":"\/auth\/keys","status":200.*\}$/gm)?.length ?? 0;
  const end = log.slice(log.lastIndexOf('\n', log.length - 2) + 1);
  return {
    missingLines: answered - written,
    wrongEnd: /^\{.*"msg":"stopped"\}\n$/.test(end) ? undefined : end.slice(-200),
  };
}

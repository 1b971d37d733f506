import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../deploy/cluster/free-port.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const PATIENCE_MS = 60_000;
const GRACE_MS = 15_000;

export type Server = {
  name: string;
  origin: string;
  pid: number;
  logFile: string;
  /** From the start of the process to its first 200. */
  startMs: number;
  stop(): Promise<void>;
};

export type ServerOptions = {
  name: string;
  script: string;
  /** Where it answers 200 to anybody. */
  readyPath: string;
  env?: Record<string, string>;
  directory: string;
};

const running = new Set<ChildProcess>();
const stopping = new WeakSet<ChildProcess>();

/**
 * A directory for this user alone: the keys in it are good ones. It is gone when the run is over, and so is every server
 * that was started, also after a failure or Ctrl-C.
 */
export function makeWorkDirectory(prefix: string): string {
  process.umask(0o077);
  const directory = mkdtempSync(join(tmpdir(), prefix));
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  return directory;
}

/** Starts a server on a free port of the loopback, and waits until it answers. What it prints goes into a file. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, script, readyPath, env = {}, directory } = options;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const logFile = `${directory}/${name}-${port}.log`;
  const log = openSync(logFile, 'a');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [script], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      ...env,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  child.once('exit', () => running.delete(child));
  while (!(await answers(`${origin}${readyPath}`))) {
    if (child.exitCode !== null || performance.now() - startedAt > PATIENCE_MS) {
      throw new Error(`${name} does not serve: ${endOf(logFile)}`);
    }
    await sleep(5);
  }
  const startMs = performance.now() - startedAt;
  child.once('exit', (code, signal) => {
    if (!stopping.has(child))
      process.stderr.write(`\n${name} has ended: ${code ?? signal}\n${endOf(logFile)}\n`);
  });
  return { name, origin, pid: child.pid ?? 0, logFile, startMs, stop: () => stop(child) };
}

const endOf = (logFile: string) => readFileSync(logFile, 'utf8').slice(-2_000);

/** Keyhearth as it comes, but for what a scenario sets. */
export const startKeyhearth = (
  name: string,
  dataDir: string,
  directory: string,
  env: Record<string, string> = {},
  script = MAIN,
): Promise<Server> =>
  startServer({
    name,
    script,
    readyPath: '/health',
    directory,
    env: { KEYHEARTH_DATA_DIR: dataDir, ...env },
  });

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  stopping.add(child);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const cutOff = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(cutOff);
}

/** Resident memory in MB. */
export function residentMb(pid: number): number {
  const status = `/proc/${pid}/status`;
  const kilobytes = existsSync(status)
    ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  return Number(kilobytes) / 1_024;
}

/** The same of a process and those that it has started. What they share is counted for each of them. */
export function residentMbOfAll(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + residentMb(each), 0);
}

/** Of a process and those that it has started, with what is shared counted once; undefined where nobody can tell. */
export function proportionalMbOfAll(pid: number): number | undefined {
  const pids = [pid, ...childrenOf(pid)];
  if (!existsSync(`/proc/${pid}/smaps_rollup`)) return undefined;
  return pids.reduce((sum, each) => {
    const rollup = readFileSync(`/proc/${each}/smaps_rollup`, 'utf8');
    return sum + Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) / 1_024;
  }, 0);
}

function childrenOf(pid: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    // pgrep says with its exit code that there is none.
    return [];
  }
}

/** Later than the next batch of use counts, which Keyhearth writes every five seconds. */
const BATCH_MS = 5_500;
const LOOK_EVERY_MS = 250;
const MAX_LOOKS = 100;
/** A thread that waits for the disk computes nothing, and is not done. */
const QUIET_LOOKS = 4;

/** Waits until a server has nothing left to write, so that this does not fall into the next measurement. */
export async function settle({ pid }: Server): Promise<void> {
  await sleep(BATCH_MS);
  let quiet = 0;
  for (let before = cpuTicks(pid), looks = 0; looks < MAX_LOOKS && quiet < QUIET_LOOKS; looks++) {
    await sleep(LOOK_EVERY_MS);
    const now = cpuTicks(pid);
    quiet = now - before <= 1 ? quiet + 1 : 0;
    before = now;
  }
}

/** Hundredths of a second that a process has computed for; always 0 where the system does not tell. */
function cpuTicks(pid: number): number {
  if (!existsSync(`/proc/${pid}/stat`)) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

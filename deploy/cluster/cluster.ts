import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { type Postgres, startPostgres } from './postgres.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PROXY = join(import.meta.dirname, 'haproxy.cfg');
/** Longer than a replica waits for another one that changes the schema. */
const PATIENCE_MS = 60_000;

export type Replica = {
  origin: string;
  child: ChildProcess;
  /** What it has logged so far. */
  log(): string;
  /** Resolves with the exit code or the signal. */
  ended: Promise<number | string>;
};

export type Cluster = {
  postgres: Postgres;
  replicas: Replica[];
  /** A replica more, or one in the place of one that has ended. */
  startReplica(env?: Record<string, string>): Promise<Replica>;
  /** Starts HAProxy in front of the first three. @returns where it listens; undefined where it is not installed */
  startProxy(port?: number): Promise<string | undefined>;
  /** Ends all of it, and removes what it wrote. */
  stop(): Promise<void>;
};

/**
 * Starts PostgreSQL and replicas of Keyhearth on the loopback, as `docker compose --profile cluster` does in containers.
 * @param env of every replica
 */
export async function startCluster(
  replicaCount: number,
  env: Record<string, string> = {},
  settings: Record<string, string> = {},
): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'keyhearth-cluster-'));
  const children = new Set<ChildProcess>();
  const postgres = await startPostgres(settings);
  const shared = {
    PATH: process.env.PATH ?? '',
    HOST: '127.0.0.1',
    DATABASE_URL: postgres.url,
    KEYHEARTH_PEPPER: randomBytes(32).toString('hex'),
    KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1',
    ...env,
  };

  async function startReplica(own: Record<string, string> = {}): Promise<Replica> {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const dataDir = mkdtempSync(join(directory, 'replica-'));
    const child = spawn(process.execPath, [MAIN], {
      env: { ...shared, PORT: String(port), KEYHEARTH_DATA_DIR: dataDir, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let log = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        log += text;
      });
    }
    const ended = once(child, 'close').then(([code, signal]): number | string => {
      children.delete(child);
      return code ?? signal;
    });
    const replica = { origin, child, log: () => log, ended };
    await untilHealthy(replica);
    return replica;
  }

  async function startProxy(port?: number): Promise<string | undefined> {
    const binary = pathOf('haproxy');
    if (!binary) return undefined;
    const bind = `127.0.0.1:${await freePort(port)}`;
    const [one = '', two = '', three = ''] = replicas.map(({ origin }) => new URL(origin).host);
    const child = spawn(binary, ['-db', '-f', PROXY], {
      env: { ...shared, BIND: bind, REPLICA_1: one, REPLICA_2: two, REPLICA_3: three },
      stdio: 'ignore',
    });
    children.add(child);
    const ended = once(child, 'close').then(([code]): number | string => code);
    await untilHealthy({ origin: `http://${bind}`, child, log: () => '', ended });
    return `http://${bind}`;
  }

  function abandon(): void {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
  process.once('exit', abandon);

  async function stop(): Promise<void> {
    process.removeListener('exit', abandon);
    const running = [...children];
    for (const child of running) child.kill('SIGTERM');
    const ends = running.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined));
    const cutOff = setTimeout(() => running.map((child) => child.kill('SIGKILL')), 5_000);
    await Promise.all(ends);
    clearTimeout(cutOff);
    await postgres.remove();
    rmSync(directory, { recursive: true, force: true });
  }

  const replicas: Replica[] = [];
  try {
    for (const starting of Array.from({ length: replicaCount }, () => startReplica())) {
      replicas.push(await starting);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { postgres, replicas, startReplica, startProxy, stop };
}

async function untilHealthy({ origin, child, log, ended }: Replica): Promise<void> {
  let end: number | string | undefined;
  void ended.then((code) => {
    end = code;
  });
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isHealthy(origin))) {
    if (end !== undefined) throw new Error(`a part of the cluster ended with ${end}: ${log()}`);
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`a part of the cluster does not serve: ${log()}`);
    }
    await sleep(20);
  }
}

const isHealthy = (origin: string) =>
  fetch(`${origin}/health`, { headers: { connection: 'close' } }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.ok;
    },
    () => false,
  );

function pathOf(program: string): string | undefined {
  try {
    const path = `${process.env.PATH}:/usr/sbin`;
    return execFileSync('sh', ['-c', `command -v ${program}`], {
      encoding: 'utf8',
      env: { PATH: path },
    }).trim();
  } catch {
    return undefined;
  }
}

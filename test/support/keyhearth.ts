import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { inject, onTestFinished } from 'vitest';
import { compose } from '../../src/compose.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { listen } from '../../src/http/server/listen.ts';
import { type HashingThreads, startHashingThreads } from '../../src/keys/hashing-threads.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import type { RenderMetrics } from '../../src/metrics/render.ts';
import { COMPILED } from './compiled.ts';
import { client, type Send } from './http.ts';
import { PARENT } from './parent.ts';
import { query, releaseDatabase, takeDatabase } from './postgres.ts';

const ROOT = join(import.meta.dirname, '../..');
export const MAIN = join(ROOT, 'src/main.ts');
export const FIRST_KEY = 'first-key-of-the-tests-0123456789abcdef';

/** Cost 10 is the least that the configuration takes; the tests need many keys, not slow ones. */
const QUICK = { KEYHEARTH_BCRYPT_COST: '10' };

/** The least that bcrypt takes, for the services in this process. A test about the cost names it in the environment. */
const CHEAP = { bcryptCost: 4 };

let threads: HashingThreads | undefined;

let tasks = 0;

/** How many tasks of bcrypt the services in this process have begun. */
export const begunTasks = () => tasks;

/** The threads of all services of a test file: one takes longer to start than all else in a service. */
function sharedThreads(maxThreads: number): HashingThreads {
  threads ??= startHashingThreads(maxThreads, () => undefined);
  const shared = threads;
  return {
    run(task) {
      tasks++;
      return shared.run(task);
    },
    close: async () => undefined,
  };
}

/**
 * A new data directory. On SQLite it is a copy of one that a first start has filled, which takes a third of the time of a
 * first start.
 */
function newDataDir(hasUsualPepper: boolean): string {
  const directory = mkdtempSync(join(PARENT, 'keyhearth-test-'));
  const started = inject('afterFirstStart');
  if (started && hasUsualPepper) cpSync(started, directory, { recursive: true });
  return directory;
}

/** A directory that is gone when the test is. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'keyhearth-test-'));
  onTestFinished(() => remove(path));
  return path;
}

async function remove(dataDir: string): Promise<void> {
  rmSync(dataDir, { recursive: true, force: true });
  await releaseDatabase(dataDir);
}

/** On PostgreSQL each data directory has a database of its own; on SQLite it holds one. */
export async function databaseFor(dataDir: string): Promise<Record<string, string>> {
  const { server } = inject('postgres');
  return server === undefined ? {} : { DATABASE_URL: await takeDatabase(server, dataDir) };
}

/** What is in the database itself, or is done to it behind the service's back. */
export async function sqlIn(dataDir: string, statements: string): Promise<Record<string, unknown>[]> {
  const { DATABASE_URL: url } = await databaseFor(dataDir);
  if (url) return query(url, statements);
  const sqlite = new SqliteDatabase(join(dataDir, 'keyhearth.db'));
  try {
    if (statements.startsWith('select')) return sqlite.prepare<[], Record<string, unknown>>(statements).all();
    sqlite.exec(statements);
    return [];
  } finally {
    sqlite.close();
  }
}

export type Running = {
  origin: string;
  send: Send;
  dataDir: string;
  /** The URL of the gateway; empty when there is none. */
  gatewayOrigin: string;
  /** What has been logged, line by line. */
  log: Record<string, unknown>[];
  renderMetrics: RenderMetrics;
  close(): Promise<void>;
};

export type Options = {
  env?: Record<string, string>;
  dataDir?: string;
  clock?: Clock;
  /** What no environment variable can say. */
  config?: Partial<Config>;
  startThreads?: typeof sharedThreads;
};

/** The real service, in this process, over real HTTP and a real database: SQLite, or PostgreSQL where the project says so. */
export async function startService({ env = {}, dataDir, clock, ...options }: Options = {}): Promise<Running> {
  const directory = dataDir ?? newDataDir(!('KEYHEARTH_PEPPER' in env || 'KEYHEARTH_PEPPER_FILE' in env));
  const database = await databaseFor(directory);
  const parsed = parseConfig({ KEYHEARTH_DATA_DIR: directory, ...database, ...env });
  const cost = env.KEYHEARTH_BCRYPT_COST === undefined ? CHEAP : {};
  const config = { ...parsed, ...cost, ...options.config };
  const log: Record<string, unknown>[] = [];
  const logger = createLogger(config.logLevel, { write: (line) => log.push(JSON.parse(line)) });
  const keyhearth = await compose(config, logger, clock, undefined, options.startThreads ?? sharedThreads);
  const endpoint = { host: '127.0.0.1', port: 0, isShared: false };
  const server = await listen(keyhearth, endpoint, logger);
  const origin = `http://127.0.0.1:${server.address.port}`;
  const { gateway } = keyhearth;
  const gatewayServer =
    gateway && (await listen(gateway.application, endpoint, logger, gateway.port.options));
  return {
    origin,
    send: client(origin),
    dataDir: directory,
    gatewayOrigin: gatewayServer ? `http://127.0.0.1:${gatewayServer.address.port}` : '',
    log,
    renderMetrics: keyhearth.renderMetrics,
    async close() {
      await Promise.all([server.stop(0), gatewayServer?.stop(0)]);
      await keyhearth.close();
      if (!dataDir) await remove(directory);
    },
  };
}

/** The same, gone when the test is. */
export async function service(options: Options = {}): Promise<Running> {
  const running = await startService(options);
  onTestFinished(() => running.close());
  return running;
}

export async function register(send: Send, key = FIRST_KEY): Promise<void> {
  const answer = await send({
    method: 'POST',
    path: '/auth/register-key',
    body: { api_key: key, label: 'first' },
  });
  if (answer.status !== 201) throw new Error(`registration answered ${answer.status}: ${answer.text}`);
}

/** A service whose first key is registered. */
export async function bootstrapped(options: Options = {}): Promise<Running> {
  const running = await service(options);
  await register(running.send);
  return running;
}

export type Process = {
  child: ChildProcess;
  origin: string;
  send: Send;
  stdout: () => string;
  stderr: () => string;
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | string>;
};

/** Starts `src/main.ts` as its own process, whether or not it comes to serve. */
export const spawnProcess = (env: Record<string, string>) => spawnProgram(MAIN, env);

/** @param file the entry of this program, or of a copy */
export function spawnProgram(file: string, env: Record<string, string>): Omit<Process, 'origin' | 'send'> {
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env.PATH ?? '', ...COMPILED, ...QUICK, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Starts the program and waits until it says where it listens. Killed, if need be, when the test is over. */
export async function startProcess(env: Record<string, string>): Promise<Process> {
  const { KEYHEARTH_DATA_DIR: dataDir } = env;
  const started = spawnProcess({ ...(dataDir && (await databaseFor(dataDir))), ...env });
  onTestFinished(() => void started.child.kill('SIGKILL'));
  return untilItServes(started);
}

/** Waits until the program says where it listens. */
export async function untilItServes(started: ReturnType<typeof spawnProcess>): Promise<Process> {
  const origin = await new Promise<string>((resolve, reject) => {
    const check = () => {
      const line = started
        .stdout()
        .split('\n')
        .find((text) => text.includes('"address"'));
      if (!line) return;
      started.child.stdout?.off('data', check);
      resolve(JSON.parse(line).address);
    };
    started.child.stdout?.on('data', check);
    void started.ended.then((end) => reject(new Error(`ended with ${end}: ${started.stderr()}`)));
  });
  return { ...started, origin, send: client(origin) };
}

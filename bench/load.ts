import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SCRIPT = join(import.meta.dirname, 'keys.lua');
const LOOP = join(import.meta.dirname, 'pg-loop.ts');
const AUTOCANNON = join(import.meta.dirname, 'autocannon.mjs');

/** Of the wrk side: how many threads send over how many connections. */
export type Pressure = { threads: number; connections: number };

export type Load = Pressure & {
  url: string;
  /** A file with one key a line, sent in turn; undefined: a key of foreign shape that nobody has sent before. */
  keysFile: string | undefined;
  seconds: number;
  /** Counting takes part of the load generator's time: not in a round that is measured. */
  countStatuses: boolean;
};

export type Speed = { perSecond: number; p99Ms: number };

export type Figures = Speed & {
  requests: number;
  /** Answers that are neither 2xx nor 3xx. */
  refused: number;
  /** Connections that failed, and answers that did not come. */
  failed: number;
  /** By status, where they were counted. */
  statuses: ReadonlyMap<number, number>;
};

export type Generator = { description: string; drive(load: Load): Promise<Figures> };

/** wrk where it is on the PATH, since it takes least from the server under test; else autocannon. */
export async function findGenerator(): Promise<Generator> {
  const version = await wrkVersion();
  if (version) return { description: version, drive: driveWrk };
  return {
    description:
      'autocannon (wrk is not on the PATH), slower than some of the servers, which then look alike',
    drive: driveAutocannon,
  };
}

/** `wrk -v` prints its version and its usage, and exits with 1. */
async function wrkVersion(): Promise<string | undefined> {
  const printed = await run('wrk', ['-v']).catch((error: { stdout?: string }) => error);
  return /^wrk \S+/.exec(printed.stdout ?? '')?.[0];
}

/** Sixteen hexadecimal digits are added for each key, which makes forty. */
const freshPrefix = () => randomBytes(12).toString('hex');

async function driveWrk(load: Load): Promise<Figures> {
  const { url, keysFile, threads, connections, seconds, countStatuses } = load;
  const keys = keysFile ? [keysFile] : ['ever-new', freshPrefix()];
  const { stdout } = await run('wrk', [
    ...[`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--latency', '-s', SCRIPT, url, '--'],
    ...keys,
    ...(countStatuses ? ['count'] : []),
  ]);
  return parseWrk(stdout);
}

async function driveAutocannon({ url, keysFile, connections, seconds }: Load): Promise<Figures> {
  const order = { url, keysFile, prefix: freshPrefix(), connections, seconds };
  const { stdout } = await run(process.execPath, [AUTOCANNON, JSON.stringify(order)]);
  return parseAutocannon(stdout);
}

const UNITS_IN_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** wrk writes times as "912.00us", "1.02ms" or "1.20s". */
export function milliseconds(text: string): number {
  const [, amount, unit = ''] = /^([\d.]+)([a-z]+)$/.exec(text) ?? [];
  const factor = UNITS_IN_MS[unit];
  if (amount === undefined || factor === undefined) throw new Error(`wrk wrote "${text}" for a time`);
  return Number(amount) * factor;
}

/** @throws when a figure is missing: a run must not go on with a zero that nobody measured */
export function parseWrk(output: string): Figures {
  function find(pattern: RegExp): string {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`wrk wrote nothing like ${pattern}:\n${output}`);
    return found;
  }
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? '0';
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? [];
  return {
    perSecond: Number(find(/Requests\/sec:\s+([\d.]+)/)),
    p99Ms: milliseconds(find(/\s99%\s+(\S+)/)),
    requests: Number(find(/(\d+) requests in/)),
    refused: Number(refused),
    failed: errors.slice(1).reduce((sum, count) => sum + Number(count), 0),
    statuses: new Map(
      [...output.matchAll(/^Status (\d+): (\d+)$/gm)].map(([, status, count]) => [
        Number(status),
        Number(count),
      ]),
    ),
  };
}

/** Runs the loops of `pg-loop.ts` for as long, and from as many at once, as the load generator does. */
export async function measureLoop(url: string): Promise<Speed> {
  const { stdout } = await run(process.execPath, [LOOP, url, '1', '32', '32']);
  return JSON.parse(stdout);
}

type AutocannonResult = {
  requests: { average: number; total: number };
  latency: { p99: number };
  non2xx: number;
  errors: number;
  timeouts: number;
  statusCodeStats: Record<string, { count: number }>;
};

export function parseAutocannon(output: string): Figures {
  const result = JSON.parse(output) as AutocannonResult;
  return {
    perSecond: result.requests.average,
    p99Ms: result.latency.p99,
    requests: result.requests.total,
    refused: result.non2xx,
    failed: result.errors + result.timeouts,
    statuses: new Map(
      Object.entries(result.statusCodeStats).map(([status, { count }]) => [Number(status), count]),
    ),
  };
}

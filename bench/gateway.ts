import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../deploy/cluster/free-port.ts';
import { progress, runCommand } from './command.ts';
import { driveGateway, firstBytes, openMany } from './gateway-load.ts';
import {
  makeWorkDirectory,
  residentMb,
  type Server,
  settle,
  startKeyhearth,
  startServer,
} from './processes.ts';
import { median, medianRatio } from './statistics.ts';

/** The gateway beside the same proxying without authentication, and beside nginx, which asks Keyhearth. */

const KEY = 'a-client-key-of-the-benchmark-0123456789';
const WARM_UP_SECONDS = 4;
const PASS_SECONDS = 2;
const STREAMS = 100;
const MANY = 1_000;

export type GatewayFigures = {
  /** Requests per second of the gateway ÷ those of the other one, in each pass. Undefined without nginx. */
  toBareProxy: number;
  toNginx: number | undefined;
  /** Milliseconds that the gateway adds to the first byte of a stream: the difference of the 99th percentiles. */
  addedFirstByteMs: number;
  /** MB that 1,000 streams and 1,000 WebSockets need. */
  memoryMb: number;
};

async function startGateway(directory: string, upstream: Server): Promise<Server> {
  const port = await freePort();
  // A folder of its own: the gateway watches it, and the log is written in the other one.
  const ofConfig = join(directory, 'gateway-config');
  mkdirSync(ofConfig);
  const file = join(ofConfig, 'config.yaml');
  const text = [
    `port: ${port}`,
    `api-keys: ["${KEY}"]`,
    `auth-dir: "${join(ofConfig, 'auth')}"`,
    'openai-compatibility:',
    `  - { name: bench, base-url: "${upstream.origin}", api-key-entries: [{ api-key: "upstream-key" }] }`,
    `codex-api-key: [{ api-key: "upstream-key", base-url: "${upstream.origin}" }]`,
  ];
  writeFileSync(file, text.join('\n'));
  const server = await startKeyhearth('gateway', join(directory, 'gateway'), directory, {
    KEYHEARTH_GATEWAY_CONFIG: file,
    KEYHEARTH_WORKERS: '1',
  });
  return { ...server, origin: `http://127.0.0.1:${port}` };
}

/** nginx with one worker, which asks Keyhearth about each request. Undefined where there is none. */
async function startNginx(
  directory: string,
  upstream: Server,
  keyhearth: Server,
): Promise<Server | undefined> {
  const port = await freePort();
  const prefix = join(directory, 'nginx');
  mkdirSync(prefix, { recursive: true });
  const config = join(prefix, 'nginx.conf');
  const keptTo = (name: string, { origin }: Server) =>
    `upstream ${name} { server ${new URL(origin).host}; keepalive 64; }`;
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    config,
    `worker_processes 1; pid ${prefix}/pid; error_log ${prefix}/error.log;
    events { worker_connections 4096; }
    http {
      access_log off;
      ${paths.map((path) => `${path}_temp_path ${prefix}/${path};`).join(' ')}
      ${keptTo('model', upstream)} ${keptTo('keyhearth', keyhearth)}
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      server {
        listen 127.0.0.1:${port};
        location / { auth_request /verify; proxy_pass http://model; }
        location = /verify {
          internal;
          proxy_pass http://keyhearth/auth/verify;
          proxy_pass_request_body off;
          proxy_set_header Content-Length "";
          proxy_set_header Connection "";
          proxy_set_header Host localhost;
        }
      }
    }`,
  );
  const child = spawn('nginx', ['-p', prefix, '-c', config, '-g', 'daemon off;'], { stdio: 'ignore' });
  const isAbsent = await Promise.race([once(child, 'error').then(() => true), sleep(500, false)]);
  if (isAbsent || child.exitCode !== null) return undefined;
  process.on('exit', () => child.kill('SIGTERM'));
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  const base = { name: 'nginx', logFile: join(prefix, 'error.log'), startMs: 0 };
  return { ...base, origin: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop };
}

async function startAll(directory: string) {
  const script = (file: string) => join(import.meta.dirname, 'servers', file);
  const upstream = await startServer({
    ...{ name: 'upstream', script: script('upstream.ts'), readyPath: '/', directory },
  });
  const bare = await startServer({
    ...{ name: 'bare', script: script('bare-proxy.ts'), readyPath: '/', directory },
    env: { BENCH_UPSTREAM: upstream.origin },
  });
  const gateway = await startGateway(directory, upstream);
  const core = await startKeyhearth('behind-nginx', join(directory, 'core'), directory, {
    KEYHEARTH_WORKERS: '1',
  });
  await fetch(`${core.origin}/auth/register-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: KEY }),
  });
  const nginx = await startNginx(directory, upstream, core);
  return { upstream, bare, gateway, core, nginx };
}

type Servers = Awaited<ReturnType<typeof startAll>>;

/** In each pass, all take turns, and every second pass has the reverse order. */
async function measureSpeed({ bare, gateway, nginx }: Servers, passes: number) {
  const all = [bare, gateway, ...(nginx ? [nginx] : [])];
  for (const server of all) await driveGateway(server.origin, KEY, WARM_UP_SECONDS);
  const speeds = new Map<Server, number[]>(all.map((server) => [server, []]));
  for (let pass = 0; pass < passes; pass++) {
    progress(`gateway: pass ${pass + 1} of ${passes}`);
    for (const server of pass % 2 === 0 ? all : all.toReversed())
      speeds.get(server)?.push(await driveGateway(server.origin, KEY, PASS_SECONDS));
  }
  const of = (server: Server) => speeds.get(server) ?? [];
  return {
    toBareProxy: medianRatio(of(gateway), of(bare)),
    toNginx: nginx && medianRatio(of(gateway), of(nginx)),
  };
}

/** Direct and through the gateway in turns. A machine that is busy makes both slow. */
async function measureFirstByte({ upstream, gateway }: Servers, passes: number): Promise<number> {
  const p99 = (times: readonly number[]) =>
    times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
  const added: number[] = [];
  for (let pass = 0; pass < passes; pass++) {
    progress(`gateway: ${STREAMS} streams, pass ${pass + 1} of ${passes}`);
    const direct = await firstBytes(upstream.origin, KEY, STREAMS);
    const through = await firstBytes(gateway.origin, KEY, STREAMS);
    added.push(p99(through) - p99(direct));
  }
  return median(added);
}

async function measureMemory({ gateway }: Servers): Promise<number> {
  progress(`gateway: memory of ${MANY} streams and ${MANY} WebSockets`);
  await driveGateway(gateway.origin, KEY, 1);
  await settle(gateway);
  const idle = residentMb(gateway.pid);
  const many = await openMany(gateway.origin, KEY, MANY);
  await sleep(3_000);
  const busy = residentMb(gateway.pid);
  many.close();
  return busy - idle;
}

/** @param passes how often each server is measured */
export async function measureGateway(directory: string, passes: number): Promise<GatewayFigures> {
  const servers = await startAll(directory);
  // First, because a process keeps the memory that a load has needed.
  const memoryMb = await measureMemory(servers);
  const figures = {
    memoryMb,
    ...(await measureSpeed(servers, passes)),
    addedFirstByteMs: await measureFirstByte(servers, passes),
  };
  await Promise.all(Object.values(servers).map((server) => server?.stop()));
  return figures;
}

async function run(): Promise<void> {
  const passes = Number(process.env.BENCH_PASSES ?? 10);
  const figures = await measureGateway(makeWorkDirectory('keyhearth-gateway-'), passes);
  const { toBareProxy, toNginx, addedFirstByteMs, memoryMb } = figures;
  const lines = [
    `requests/s ÷ the same proxying without authentication: ${toBareProxy.toFixed(2)} (at least 0.8)`,
    `requests/s ÷ nginx auth_request + Keyhearth: ${toNginx?.toFixed(2) ?? 'not measured'} (at least 0.5)`,
    `first byte of a stream, added, p99 at ${STREAMS} streams: ${addedFirstByteMs.toFixed(1)} ms (at most 5)`,
    `memory of ${MANY} streams and ${MANY} WebSockets: ${memoryMb.toFixed(0)} MB (at most 150)`,
  ];
  process.stdout.write(`\n${lines.join('\n')}\n`);
}

if (import.meta.main) await runCommand('bench:gateway', run);

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../deploy/cluster/free-port.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const ACCESS_LOG = 'access.log';
const START_MS = 10_000;
const STOP_MS = 3_000;

/** The ports in the files of deploy/; a test puts its own in their place. */
const WRITTEN = { proxy: 8000, upstream: 8080, keyhearth: 8800 };

type Ports = typeof WRITTEN;

export type ReverseProxy = {
  name: 'nginx' | 'caddy' | 'haproxy';
  /** In deploy/, and what to run it with. */
  config: string;
  command: (config: string) => string[];
  /** What a client is answered where Keyhearth says something else than 200 and 401, or nothing at all. */
  answers: { locked: number; conflicting: number; unavailable: number; silent: number };
  /**
   * What Keyhearth is asked with. Caddy, which passes refusals on, needs their body, and closes after that of a 200. It
   * also sends its client's other headers.
   */
  asks: { method: 'GET' | 'HEAD'; target: string; keepsConnections: boolean; sendsForeignHeaders: boolean };
  /** Whether Keyhearth's own words reach the client. */
  tellsWhy: boolean;
};

export const proxies: ReverseProxy[] = [
  {
    name: 'nginx',
    config: 'nginx/keyhearth.conf',
    command: (config) => ['nginx', '-c', nginxAround(config), '-g', 'daemon off; error_log stderr;'],
    asks: {
      method: 'HEAD',
      target: '/auth/verify?deny=403',
      keepsConnections: true,
      sendsForeignHeaders: false,
    },
    answers: { locked: 403, conflicting: 403, unavailable: 500, silent: 500 },
    tellsWhy: false,
  },
  {
    name: 'caddy',
    config: 'caddy/Caddyfile',
    command: (config) => ['caddy', 'run', '--config', config, '--adapter', 'caddyfile'],
    asks: { method: 'GET', target: '/auth/verify', keepsConnections: false, sendsForeignHeaders: true },
    answers: { locked: 429, conflicting: 400, unavailable: 502, silent: 504 },
    tellsWhy: true,
  },
  {
    name: 'haproxy',
    config: 'haproxy/haproxy.cfg',
    command: (config) => ['haproxy', '-db', '-f', config],
    asks: { method: 'GET', target: '/auth/verify', keepsConnections: true, sendsForeignHeaders: false },
    answers: { locked: 429, conflicting: 400, unavailable: 503, silent: 504 },
    tellsWhy: true,
  },
];

/** The file goes into an http block; what else nginx needs is kept in the directory of the test. */
function nginxAround(config: string): string {
  const directory = join(config, '..');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(directory, kind)};`,
  );
  const path = join(directory, 'nginx.conf');
  writeFileSync(
    path,
    `pid ${join(directory, 'pid')}; worker_processes 1; events {}
http { access_log ${join(directory, ACCESS_LOG)}; ${temporary.join(' ')} include ${config}; }`,
  );
  return path;
}

/** Debian keeps servers in directories that are not on every user's PATH. */
const environment = (home: string) => ({ PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`, HOME: home });

const versionOf = ({ name }: ReverseProxy) =>
  spawnSync(name, [name === 'caddy' ? 'version' : '-v'], { env: environment('/'), encoding: 'utf8' });

export const isInstalled = (proxy: ReverseProxy) => versionOf(proxy).error === undefined;

/** nginx before 1.23 sees the first line of a header alone. */
export const joinsLines = (proxy: ReverseProxy) =>
  !/nginx\/1\.(1?\d|2[0-2])\./.test(versionOf(proxy).stderr ?? '');

/**
 * Starts the server with the file of deploy/, whose ports and place alone are exchanged.
 * @param edit what an operator would change in it
 */
export async function startProxy(
  proxy: ReverseProxy,
  ports: Omit<Ports, 'proxy'>,
  edit = (text: string) => text,
) {
  const directory = mkdtempSync(join(tmpdir(), `keyhearth-${proxy.name}-`));
  // nginx, started by root, works as another user.
  chmodSync(directory, 0o755);
  const port = await freePort();
  const config = join(directory, proxy.config);
  cpSync(join(DEPLOY, proxy.config, '..'), join(config, '..'), { recursive: true });
  const text = edit(readFileSync(config, 'utf8')).replaceAll('/etc/haproxy/', `${directory}/haproxy/`);
  writeFileSync(config, withPorts(text, { proxy: port, ...ports }));

  const [command = '', ...args] = proxy.command(config);
  const child = spawn(command, args, { env: environment(directory), stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }

  async function close(): Promise<void> {
    child.kill('SIGTERM');
    const tooLong = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(tooLong);
    rmSync(directory, { recursive: true, force: true });
  }

  const deadline = Date.now() + START_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`${proxy.name} does not serve: ${output}`);
    }
    await sleep(20);
  }
  const accessLog = join(config, '..', ACCESS_LOG);
  return {
    origin: `http://127.0.0.1:${port}`,
    logs: () => output + (existsSync(accessLog) ? readFileSync(accessLog, 'utf8') : ''),
    close,
  };
}

function withPorts(text: string, ports: Ports): string {
  return Object.entries(WRITTEN).reduce((result, [part, written]) => {
    const replaced = result.replaceAll(`:${written}`, `:${ports[part as keyof Ports]}`);
    if (replaced === result) throw new Error(`the configuration does not say :${written}`);
    return replaced;
  }, text);
}

const accepts = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

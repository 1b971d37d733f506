import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { LogLevel } from '../lib/logger.ts';
import { isTooWide, parseNetwork } from '../lib/network.ts';
import { StartupError } from '../lib/startup-error.ts';
import { integer, nonEmpty, type Values } from './fields.ts';

const MAX_WORKERS = 64;
const WORKERS_ERROR = `must be auto or a whole number from 1 to ${MAX_WORKERS}`;

export const serverVariables = {
  HOST: nonEmpty().default('127.0.0.1').meta({
    description: 'The address to listen on. `0.0.0.0` and `::` mean all addresses.',
  }),
  PORT: integer(0, 65_535)
    .prefault('8800')
    .meta({ description: 'The port to listen on. 0 means any free port.' }),
  KEYHEARTH_TLS_CERT: nonEmpty().optional().meta({
    description:
      'A file with a certificate and its chain, in PEM format. Keyhearth then speaks HTTPS. See [Serve over TLS](tls.md).',
  }),
  KEYHEARTH_TLS_KEY: nonEmpty().optional().meta({
    description: 'The file with the private key of that certificate.',
  }),
  KEYHEARTH_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .refine((list) => list.every(parseNetwork), {
      error: 'must be addresses or CIDR networks separated by commas, for example 127.0.0.1,10.0.0.0/8',
      abort: true,
    })
    .refine((list) => !list.some(isTooWideNetwork), {
      error:
        'must list only your proxies, because a trusted address is never locked out; the widest network is /8 for IPv4 and /16 for IPv6',
    })
    .optional()
    .meta({
      description:
        'The addresses and CIDR networks of your proxies, separated by commas. See [Trust your proxies](trusted-proxies.md).',
    }),
  KEYHEARTH_ALLOWED_HOSTS: z
    .string()
    .transform((list) => list.split(',').map((entry) => entry.trim().toLowerCase()))
    .refine((list) => list.every(isHostName), {
      error:
        'must be host names or IP addresses without a port, separated by commas, for example keys.example.com',
    })
    .optional()
    .meta({
      description:
        'The names that a request may have in `Host`, separated by commas. If you list no names, any name is valid, except in a request over the loopback that does not come from a trusted proxy. Such a request can always use `localhost`, an IP address or the name of this machine. See [Trust your proxies](trusted-proxies.md#host-names).',
      shown: 'any',
    }),
  KEYHEARTH_WORKERS: z
    .string()
    .regex(/^(auto|[1-9]\d?)$/, { error: WORKERS_ERROR, abort: true })
    .transform((text) => (text === 'auto' ? availableParallelism() : Number(text)))
    .refine((workers) => workers <= MAX_WORKERS, { error: WORKERS_ERROR })
    .prefault('1')
    .meta({
      description: `The number of worker threads, 1 to ${MAX_WORKERS}, or \`auto\` for one on each core. More than one worker needs Linux. See [Use all cores](workers.md).`,
    }),
  KEYHEARTH_SHUTDOWN_DELAY_SECONDS: integer(0, 300).prefault('0').meta({
    description:
      'The seconds between SIGTERM and the closing of the port, so that load balancers notice the stop. The program that stops Keyhearth (systemd, Docker, Kubernetes) must wait 25 seconds longer before it kills the process. See [Stop](stop.md).',
  }),
  KEYHEARTH_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be trace, debug, info, warn, error, fatal or silent',
    })
    .default('info')
    .meta({
      description:
        'The lowest level that Keyhearth logs: `trace`, `debug`, `info`, `warn`, `error` or `fatal`. `silent` switches the log off.',
    }),
};

export type ServerConfig = Readonly<{
  host: string;
  port: number;
  /** The files of the certificate; undefined for HTTP. */
  tls: Readonly<{ cert: string; key: string }> | undefined;
  trustedProxies: readonly string[];
  allowedHosts: readonly string[];
  workers: number;
  shutdownDelayMs: number;
  logLevel: LogLevel;
}>;

export const serverConfig = (env: Values<typeof serverVariables>): ServerConfig => ({
  host: env.HOST,
  port: env.PORT,
  tls: tlsFiles(env.KEYHEARTH_TLS_CERT, env.KEYHEARTH_TLS_KEY),
  trustedProxies: env.KEYHEARTH_TRUSTED_PROXIES ?? [],
  allowedHosts: env.KEYHEARTH_ALLOWED_HOSTS ?? [],
  workers: env.KEYHEARTH_WORKERS,
  shutdownDelayMs: env.KEYHEARTH_SHUTDOWN_DELAY_SECONDS * 1_000,
  logLevel: env.KEYHEARTH_LOG_LEVEL,
});

function tlsFiles(cert: string | undefined, key: string | undefined): ServerConfig['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert: resolve(cert), key: resolve(key) };
  throw new StartupError('KEYHEARTH_TLS_CERT and KEYHEARTH_TLS_KEY belong together; set both or none.');
}

/** A name as in a URL, or an address; IPv6 in brackets, as Host has it. */
const isHostName = (text: string) => /^[a-z\d](?:[a-z\d._-]*[a-z\d])?$|^\[[\da-f:.]+\]$/.test(text);

function isTooWideNetwork(text: string): boolean {
  const network = parseNetwork(text);
  return network !== undefined && isTooWide(network);
}

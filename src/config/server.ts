import { availableParallelism } from 'node:os';
import { z } from 'zod';
import type { LogLevel } from '../lib/logger.ts';
import { isTooWide, parseNetwork } from '../lib/network.ts';
import { integer, nonEmpty, type Values } from './fields.ts';

const MAX_WORKERS = 64;
const WORKERS_ERROR = `must be auto or a whole number from 1 to ${MAX_WORKERS}`;

export const serverVariables = {
  HOST: nonEmpty().default('127.0.0.1').meta({
    description: 'address to listen on; `0.0.0.0` or `::` for all',
  }),
  PORT: integer(0, 65_535).prefault('8800').meta({ description: 'port to listen on; 0 takes a free one' }),
  KEYHEARTH_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .refine((list) => list.every(parseNetwork), {
      error: 'must be addresses or CIDR networks separated by commas, for example 127.0.0.1,10.0.0.0/8',
      abort: true,
    })
    .refine((list) => !list.some(isTooWideNetwork), {
      error:
        'must name your proxies alone, because a trusted address is never locked out: an IPv4 network has at least /8, an IPv6 network /16',
    })
    .optional()
    .meta({
      description: 'addresses and CIDR networks, comma-separated, whose `X-Forwarded-For` is believed',
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
        'host names, comma-separated, that a request may name in `Host`. A direct request from this machine may name only `localhost`, an IP address, the name of this machine, and these',
      shown: 'any',
    }),
  KEYHEARTH_WORKERS: z
    .string()
    .regex(/^(auto|[1-9]\d?)$/, { error: WORKERS_ERROR, abort: true })
    .transform((text) => (text === 'auto' ? availableParallelism() : Number(text)))
    .refine((workers) => workers <= MAX_WORKERS, { error: WORKERS_ERROR })
    .prefault('1')
    .meta({
      description: `threads that serve, 1 to ${MAX_WORKERS}; \`auto\`: one for each core. More than one needs Linux`,
    }),
  KEYHEARTH_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be trace, debug, info, warn, error, fatal or silent',
    })
    .default('info')
    .meta({ description: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`' }),
};

export type ServerConfig = Readonly<{
  host: string;
  port: number;
  trustedProxies: readonly string[];
  allowedHosts: readonly string[];
  workers: number;
  logLevel: LogLevel;
}>;

export const serverConfig = (env: Values<typeof serverVariables>): ServerConfig => ({
  host: env.HOST,
  port: env.PORT,
  trustedProxies: env.KEYHEARTH_TRUSTED_PROXIES ?? [],
  allowedHosts: env.KEYHEARTH_ALLOWED_HOSTS ?? [],
  workers: env.KEYHEARTH_WORKERS,
  logLevel: env.KEYHEARTH_LOG_LEVEL,
});

/** A name as in a URL, or an address; IPv6 in brackets, as Host has it. */
const isHostName = (text: string) => /^[a-z\d](?:[a-z\d._-]*[a-z\d])?$|^\[[\da-f:.]+\]$/.test(text);

function isTooWideNetwork(text: string): boolean {
  const network = parseNetwork(text);
  return network !== undefined && isTooWide(network);
}

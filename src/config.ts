import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { DatabaseLocation } from './db/location.ts';
import type { LogLevel } from './lib/logger.ts';
import { StartupError } from './lib/startup-error.ts';
import { decodePepper, type PepperSource } from './pepper/pepper.ts';

const integer = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error });
};

const MAX_WORKERS = 64;
const WORKERS_ERROR = `must be auto or a whole number from 1 to ${MAX_WORKERS}`;

/** Whether text is one network, as an address or in CIDR form. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/**
 * The environment, variable by variable. README shows `description` and `default`, or `shown` for a default that depends
 * on another variable.
 */
export const environmentSchema = z.object({
  HOST: z.string().min(1, { error: 'must not be empty' }).default('127.0.0.1').meta({
    description: 'address to listen on; `0.0.0.0` or `::` for all',
  }),
  PORT: integer(0, 65_535).prefault('8800').meta({ description: 'port to listen on; 0 takes a free one' }),
  KEYHEARTH_DATA_DIR: z.string().min(1, { error: 'must not be empty' }).default('./data').meta({
    description: 'directory of `keyhearth.db` and `pepper`; made with mode 0700',
  }),
  DATABASE_URL: z
    .string()
    .refine((text) => /^sqlite:(?!:memory:$|file:|\/\/).+/.test(text) || isPostgresUrl(text), {
      error:
        'must be sqlite:PATH, for example sqlite:/var/lib/keyhearth/keyhearth.db, or postgres://USER:PASSWORD@HOST/DATABASE with what is special in them percent-encoded',
    })
    .optional()
    .meta({
      description:
        '`sqlite:path`, where a relative path starts at the working directory; or `postgres://user:password@host/database`, see [scaling](docs/scaling.md)',
      shown: '`keyhearth.db` in the data directory',
    }),
  KEYHEARTH_DATABASE_POOL: integer(3, 100).prefault('5').meta({
    description: 'PostgreSQL: connections of each worker, besides one that listens',
  }),
  KEYHEARTH_CACHE: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off').meta({
    description:
      'PostgreSQL: `on` keeps in memory what keys are; a change made elsewhere is then seen within 1.5 s instead of at once',
  }),
  KEYHEARTH_PEPPER: z
    .string()
    .refine((text) => decodePepper(text) !== undefined, { error: 'must be 32 bytes in hex or base64' })
    .optional()
    .meta({ description: 'the pepper itself: 32 bytes, hex or base64' }),
  KEYHEARTH_PEPPER_FILE: z.string().min(1, { error: 'must not be empty' }).optional().meta({
    description: 'file that holds the pepper, readable by its owner alone',
    shown: '`pepper` in the data directory, made at first start',
  }),
  KEYHEARTH_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .refine((list) => list.every(isNetwork), {
      error: 'must be addresses or CIDR networks separated by commas, for example 127.0.0.1,10.0.0.0/8',
    })
    .optional()
    .meta({
      description: 'addresses and CIDR networks, comma-separated, whose `X-Forwarded-For` is believed',
    }),
  KEYHEARTH_LOCKOUT_ATTEMPTS: integer(0, 100)
    .prefault('5')
    .meta({ description: 'failed attempts that lock an address out; 0 switches the lockout off' }),
  KEYHEARTH_LOCKOUT_SECONDS: integer(1, 86_400)
    .prefault('300')
    .meta({ description: 'seconds that failures count for, and that a lockout lasts' }),
  KEYHEARTH_BCRYPT_COST: integer(10, 15)
    .prefault('12')
    .meta({ description: 'bcrypt cost of stored hashes, 10 to 15' }),
  KEYHEARTH_BOOTSTRAP_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, { error: 'must be 1 to 512 printable ASCII characters without spaces' })
    .optional()
    .meta({ description: 'when set, `X-Bootstrap-Token` must carry it to register the first key' }),
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
});

export type Config = Readonly<{
  host: string;
  port: number;
  dataDir: string;
  database: DatabaseLocation;
  pepper: PepperSource;
  trustedProxies: readonly string[];
  lockout: Readonly<{ attempts: number; seconds: number }>;
  bcryptCost: number;
  bootstrapToken: string | undefined;
  workers: number;
  logLevel: LogLevel;
}>;

/** Variables with our prefix that are none of ours: a misspelt one would otherwise be ignored silently. */
export const unknownVariables = (environment: Record<string, string | undefined>): string[] =>
  Object.keys(environment).filter(
    (name) => name.startsWith('KEYHEARTH_') && !(name in environmentSchema.shape),
  );

function isPostgresUrl(text: string): boolean {
  const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null;
  // A "#" begins a part that no such URL has. It was meant as a part of the password.
  return url !== null && url.hostname !== '' && url.hash === '' && /^\/[^/@]+$/.test(url.pathname);
}

function databaseOf(env: z.output<typeof environmentSchema>, dataDir: string): DatabaseLocation {
  const { DATABASE_URL: url = `sqlite:${join(dataDir, 'keyhearth.db')}` } = env;
  if (url.startsWith('sqlite:')) return { engine: 'sqlite', path: resolve(url.slice('sqlite:'.length)) };
  return { engine: 'postgres', url, pool: env.KEYHEARTH_DATABASE_POOL, cache: env.KEYHEARTH_CACHE === 'on' };
}

/** Reads the configuration once. Throws a StartupError that names the first bad variable, never its value. */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StartupError(`${String(issue?.path[0])} ${issue?.message}.`);
  }
  const env = parsed.data;
  if (env.KEYHEARTH_PEPPER !== undefined && env.KEYHEARTH_PEPPER_FILE !== undefined) {
    throw new StartupError('KEYHEARTH_PEPPER and KEYHEARTH_PEPPER_FILE are both set; set one of them.');
  }
  const dataDir = resolve(env.KEYHEARTH_DATA_DIR);
  const givenPepper = env.KEYHEARTH_PEPPER === undefined ? undefined : decodePepper(env.KEYHEARTH_PEPPER);
  const pepper: PepperSource = givenPepper
    ? { from: 'environment', bytes: givenPepper }
    : {
        from: 'file',
        path: resolve(env.KEYHEARTH_PEPPER_FILE ?? join(dataDir, 'pepper')),
        createIfMissing: env.KEYHEARTH_PEPPER_FILE === undefined,
      };
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    dataDir,
    database: databaseOf(env, dataDir),
    pepper,
    trustedProxies: env.KEYHEARTH_TRUSTED_PROXIES ?? [],
    lockout: { attempts: env.KEYHEARTH_LOCKOUT_ATTEMPTS, seconds: env.KEYHEARTH_LOCKOUT_SECONDS },
    bcryptCost: env.KEYHEARTH_BCRYPT_COST,
    bootstrapToken: env.KEYHEARTH_BOOTSTRAP_TOKEN,
    workers: env.KEYHEARTH_WORKERS,
    logLevel: env.KEYHEARTH_LOG_LEVEL,
  });
}

import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import type { DatabaseLocation } from '../db/location.ts';
import { isInstalled } from '../lib/product.ts';
import { integer, nonEmpty, secret, type Values } from './fields.ts';

/** The folder of the program. */
const HOME = join(import.meta.dirname, '../..');

export const databaseVariables = {
  KEYHEARTH_DATA_DIR: nonEmpty()
    .default(isInstalled ? '/var/lib/keyhearth' : './data')
    .meta({
      description:
        'The folder of `keyhearth.db` and `pepper`. Keyhearth makes it with mode 0700. A relative path starts at the working directory. The default of the [npm package](package.md) is `/var/lib/keyhearth`.',
    }),
  DATABASE_URL: secret()
    .refine((text) => /^sqlite:(?!:memory:$|file:|\/\/).+/.test(text) || isPostgresUrl(text), {
      error:
        'must be sqlite:PATH, for example sqlite:/var/lib/keyhearth/keyhearth.db, or postgres://USER:PASSWORD@HOST/DATABASE with special characters percent-encoded',
    })
    .optional()
    .meta({
      description:
        'The database: `sqlite:` and a path, or `postgres://user:password@host/database`. A relative path starts at the working directory. See [Connect to PostgreSQL](postgresql.md).',
      shown: '`keyhearth.db` in the data directory',
    }),
  DATABASE_URL_FILE: nonEmpty().optional().meta({
    description: 'A file that contains the value of `DATABASE_URL`.',
  }),
  KEYHEARTH_DATABASE_POOL: integer(3, 100).prefault('5').meta({
    description:
      'PostgreSQL: the number of connections of each worker, at least 3. One more connection listens for changes.',
  }),
  KEYHEARTH_CACHE: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off').meta({
    description:
      'PostgreSQL: `on` caches keys in memory. A change that another worker makes then takes effect within 1.5 seconds, and not at once. See [the cache](cache.md).',
  }),
};

export type DatabaseConfig = Readonly<{
  dataDir: string;
  /** The path depends on the working directory, and that is not the folder of the program. */
  isDataDirSurprising: boolean;
  database: DatabaseLocation;
}>;

export function databaseConfig(env: Values<typeof databaseVariables>): DatabaseConfig {
  const dataDir = resolve(env.KEYHEARTH_DATA_DIR);
  const isDataDirSurprising = !isAbsolute(env.KEYHEARTH_DATA_DIR) && resolve('.') !== HOME;
  const { DATABASE_URL: url = `sqlite:${join(dataDir, 'keyhearth.db')}` } = env;
  if (url.startsWith('sqlite:')) {
    return {
      dataDir,
      isDataDirSurprising,
      database: { engine: 'sqlite', path: resolve(url.slice('sqlite:'.length)) },
    };
  }
  const { KEYHEARTH_DATABASE_POOL: pool, KEYHEARTH_CACHE: cache } = env;
  return { dataDir, isDataDirSurprising, database: { engine: 'postgres', url, pool, cache: cache === 'on' } };
}

function isPostgresUrl(text: string): boolean {
  const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null;
  // "#" begins a part that these URLs do not have. It is a part of the password that is not percent-encoded.
  return url !== null && url.hostname !== '' && url.hash === '' && /^\/[^/@]+$/.test(url.pathname);
}

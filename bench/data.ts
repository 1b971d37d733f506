import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../deploy/cluster/postgres.ts';
import type { Checkout } from './before.ts';
import type { CoreKeyFiles, KeyFiles } from './scenarios.ts';
import { createKey, fill, fillProxyos, LABEL, makeDataDirectory, writeKeys } from './seed.ts';

const MILLION = 1_000_000;
const MANY = 100_000;
const THOUSAND = 1_000;
/** A page of `GET /auth/keys`. */
const LISTED = 100;

/** The scenario asks for the scope, and sends from the last network. */
const SCOPED = {
  scopes: ['orders:*', 'invoices:read'],
  allowed_ips: ['203.0.113.0/24', '2001:db8::/32', '127.0.0.0/8'],
};

/** Neither is ever reached: what is measured is a verification that passes. */
const LIMITED = {
  rate_limits: [
    { name: 'burst', limit: 1_000_000_000, window: '1s' },
    { name: 'day', limit: 1_000_000_000, window: '1d' },
  ],
};

export type CoreData = {
  one: string;
  million: string;
  before?: { dataDir: string; main: string };
};

export type Data = CoreData & {
  /** With keys of the ProxyOS API. */
  proxyos: string;
  /** What stands beside the database in PostgreSQL, and the URL of that. */
  postgres: string;
  postgresUrl: string;
  close(): Promise<void>;
};

/** The data directories of the first group, and the files of keys that are sent. */
export async function prepareCoreData(
  directory: string,
  checkout: Checkout | undefined,
): Promise<{ data: CoreData; keys: CoreKeyFiles }> {
  const data: CoreData = {
    one: makeDirectory(directory, 'one'),
    million: makeDirectory(directory, 'million'),
  };
  const one = await makeDataDirectory(data.one, directory);
  await makeDataDirectory(data.million, directory);
  const scoped = await createKey(data.one, directory, one, { label: LABEL, ...SCOPED });
  const limited = await createKey(data.one, directory, one, { label: LABEL, ...LIMITED });
  const many = fill(data.million, MILLION, MILLION / MANY);
  const thousand = many.filter((_, index) => index % (MANY / THOUSAND) === 0);
  const keys: CoreKeyFiles = {
    one: writeKeys(keyFile(directory, 'one'), [one]),
    scoped: writeKeys(keyFile(directory, 'scoped'), [scoped]),
    limited: writeKeys(keyFile(directory, 'limited'), [limited]),
    unknown: writeKeys(keyFile(directory, 'unknown'), ['u'.repeat(64)]),
    manyOfMillion: writeKeys(keyFile(directory, 'many'), many),
    thousandOfMillion: writeKeys(keyFile(directory, 'thousand'), thousand),
  };
  if (checkout) {
    // Its own, since the schema of the other state may differ.
    const dataDir = makeDirectory(directory, 'before-data');
    data.before = { dataDir, main: checkout.main };
    const before = await makeDataDirectory(dataDir, directory, {}, checkout.main);
    keys.before = writeKeys(keyFile(directory, 'before'), [before]);
  }
  return { data, keys };
}

/** All data directories, a PostgreSQL, and the files of keys that are sent. */
export async function prepareData(
  directory: string,
  checkout: Checkout | undefined,
): Promise<{ data: Data; keys: KeyFiles }> {
  const core = await prepareCoreData(directory, checkout);
  const { url, remove } = await startPostgres();
  const postgres = makeDirectory(directory, 'postgres');
  const onPostgres = await makeDataDirectory(postgres, directory, { DATABASE_URL: url });
  const proxyos = makeDirectory(directory, 'proxyos');
  const listing = await makeDataDirectory(proxyos, directory);
  fillProxyos(proxyos, LISTED);
  const settings = { label: LABEL, ...LIMITED };
  const limited = await createKey(postgres, directory, onPostgres, settings, { DATABASE_URL: url });
  return {
    data: { ...core.data, proxyos, postgres, postgresUrl: url, close: remove },
    keys: {
      ...core.keys,
      listing: writeKeys(keyFile(directory, 'listing'), [listing]),
      onPostgres: writeKeys(keyFile(directory, 'postgres'), [onPostgres]),
      limitedOnPostgres: writeKeys(keyFile(directory, 'postgres-limited'), [limited]),
      betterAuth: keyFile(directory, 'better-auth'),
      betterAuthMemory: keyFile(directory, 'better-auth-memory'),
    },
  };
}

function makeDirectory(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

const keyFile = (directory: string, name: string) => join(directory, `${name}.keys`);

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

type Locked = { version: string; license?: string; dev?: boolean; optional?: boolean };

type Listed = { path: string; name: string; version: string; license: string | undefined };

/** The packages that `npm install --omit=dev` installs, as package-lock.json lists them. */
export const lockedForProduction = (): Listed[] =>
  Object.entries<Locked>(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version, license }]) => ({
      path,
      name: path.replace(/^.*node_modules\//, ''),
      version,
      license,
    }));

/** Those that are installed at the top of node_modules. An optional one may be for another machine. */
export const productionPackages = () =>
  lockedForProduction().filter(
    ({ path }) => path.lastIndexOf('node_modules/') === 0 && existsSync(join(ROOT, path)),
  );

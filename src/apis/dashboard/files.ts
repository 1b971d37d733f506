import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { errorCode } from '../../lib/error-code.ts';
import type { StaticFile } from '../static-file.ts';

/** A build of the dashboard, as it was at the first request: a later build cannot mix with it. */
export type Dashboard = Readonly<{ index: string; assets: ReadonlyMap<string, StaticFile> }>;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/** The name of a file contains a hash of its content, so a browser need not ask again. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Where the build may be missing, or may not be read. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'EACCES'];

/**
 * Makes a function that reads the whole build once, when it is called first. While there is none, it looks again each
 * time, and returns undefined.
 * @param folder where the build is: index.html and assets/
 */
export function dashboardFiles(folder: string): () => Promise<Dashboard | undefined> {
  let loading: Promise<Dashboard | undefined> | undefined;
  return async () => {
    loading ??= load(folder);
    const dashboard = await loading.catch((error: unknown) => {
      loading = undefined;
      if (ABSENT.includes(errorCode(error) ?? '')) return undefined;
      throw error;
    });
    if (!dashboard) loading = undefined;
    return dashboard;
  };
}

async function load(folder: string): Promise<Dashboard | undefined> {
  const assetsFolder = join(folder, 'assets');
  const names = await readdir(assetsFolder);
  const present = new Set(names);
  const read = (name: string) => readFile(join(assetsFolder, name));
  const readIf = async (name: string) => (present.has(name) ? read(name) : undefined);
  const assets = await Promise.all(
    names
      .filter((name) => !/\.(?:br|gz)$/.test(name))
      .map(async (name): Promise<[string, StaticFile]> => {
        const [plain, br, gzip] = await Promise.all([read(name), readIf(`${name}.br`), readIf(`${name}.gz`)]);
        const type = TYPES[extname(name)] ?? 'application/octet-stream';
        return [
          name,
          { forms: { plain, br, gzip }, headers: { 'Content-Type': type, 'Cache-Control': FOR_EVER } },
        ];
      }),
  );
  const index = await readFile(join(folder, 'index.html'), 'utf8');
  // Another build may have replaced this one between the two.
  const isWhole = assetsIn(index).every((name) => present.has(name));
  return isWhole ? { index, assets: new Map(assets) } : undefined;
}

const assetsIn = (index: string) =>
  [...index.matchAll(/"\.\/assets\/([^"]+)"/g)].map(([, name = '']) => name);

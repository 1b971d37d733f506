import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';

/**
 * Builds the dashboard: `npm run build`, and `npm start` when the sources have changed. The build is made in a folder of
 * its own and then renamed, so a process that is killed leaves the last build as it was.
 */

const SOURCES = import.meta.dirname;
const ROOT = join(SOURCES, '..');
const DIST = join(SOURCES, 'dist');
const INDEX = join(DIST, 'index.html');
/** Lists the files of the build that are outside this folder. Beside the page, where the service does not serve it. */
const OUTSIDE = 'outside.json';
const TEMPORARY = '.dist-';
/** No build takes so long, so the folder is of a build that was killed. */
const ABANDONED_MS = 10 * 60_000;

/**
 * Builds the dashboard if its sources or its packages have changed since the last build.
 * @returns why it could not be built, as a sentence for the operator
 */
export async function buildIfStale(): Promise<string | undefined> {
  if (isFresh()) return undefined;
  if (!existsSync(join(ROOT, 'node_modules/vite'))) {
    return existsSync(INDEX)
      ? undefined
      : 'The dashboard is not built, because the packages that build it are not installed; Keyhearth starts without it. To have it, run: npm ci --include=dev';
  }
  process.stderr.write('keyhearth: building the dashboard\n');
  // A process of its own, so that the service does not keep the memory of the bundler.
  const reason = await runBuild();
  if (reason === undefined) return undefined;
  const consequence = existsSync(INDEX) ? 'serves the last build' : 'starts without it';
  return `The dashboard could not be built (${reason}); Keyhearth ${consequence}. To see why, run: npm run build`;
}

async function runBuild(): Promise<string | undefined> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(SOURCES, 'build.ts')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let message = '';
    child.stderr.on('data', (chunk) => {
      message += chunk;
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : reasonIn(message, signal)));
  });
}

/** The line of a message that names the error: of Vite, that is the second one. */
function reasonIn(message: string, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `the build ended by ${signal}`;
  const lines = stripVTControlCharacters(message).split('\n');
  const reason = lines.find((line) => line.trim() !== '' && !line.startsWith('Build failed'));
  return reason?.trim() ?? 'the build failed';
}

/** Whether the build is as new as the newest source was when it was made. */
function isFresh(): boolean {
  try {
    const used = outside();
    const isWhole = used.every((path) => existsSync(path));
    return isWhole && statSync(INDEX).mtimeMs >= newest([...sources(), ...used]);
  } catch {
    return false;
  }
}

/** The sources, their folders, and the versions of the packages. */
const sources = (): string[] => [...below(SOURCES), join(ROOT, 'package-lock.json')];

/**
 * Without hidden files: editors keep their own there. Every start does this, and `globSync` takes several times as long.
 */
const below = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'dist' || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...below(path)] : [path];
  });

const outside = (): string[] =>
  JSON.parse(readFileSync(join(DIST, OUTSIDE), 'utf8')).map((name: string) => join(ROOT, name));

/** When the files changed last, in whole milliseconds. A file that is gone changed its folder. */
const newest = (paths: string[]) => Math.max(...paths.map(timeOf));

const timeOf = (path: string) => Math.ceil(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);

/** @throws Error when Vite is missing, the sources have an error, or the folder cannot be written to */
async function build(): Promise<void> {
  const before = newest(sources());
  await removeAbandoned();
  const folder = await mkdtemp(join(SOURCES, TEMPORARY));
  try {
    const built = join(folder, 'dist');
    // Vite would build for the NODE_ENV of the operator.
    process.env.NODE_ENV = 'production';
    const { build: bundle } = await import('vite');
    let used: string[] = [];
    await bundle({
      configFile: join(SOURCES, 'vite.config.ts'),
      logLevel: 'silent',
      mode: 'production',
      build: { outDir: built, emptyOutDir: false },
      plugins: [
        {
          name: 'files-outside',
          buildEnd() {
            used = outsideOf(this.getModuleIds());
          },
        },
      ],
    });
    await compressAll(built);
    await writeFile(join(built, OUTSIDE), JSON.stringify(used));
    // The sources can change during the build. Their time says which of them it contains.
    const time = new Date(Math.max(before, newest(used.map((name) => join(ROOT, name)))));
    await utimes(join(built, 'index.html'), time, time);
    await publish(built, join(folder, 'replaced'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of the repository that the build contains, beside the sources and the packages. */
function outsideOf(moduleIds: Iterable<string>): string[] {
  const names = [...moduleIds].map((id) => relative(ROOT, id.replace(/\?.*$/, '')));
  return names.filter((name) => /^(?!dashboard\/|node_modules\/|\.\.)[\w]/.test(name)).sort();
}

/** Puts the build into its place. Another process may do the same at this moment. */
async function publish(built: string, replaced: string): Promise<void> {
  await rename(DIST, replaced).catch(unless('ENOENT'));
  // The build of the other process is as good as this one.
  await rename(built, DIST).catch(unless('ENOTEMPTY', 'EEXIST'));
}

const unless =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };

async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(SOURCES)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(SOURCES, name);
    // The build that made it may remove it at this moment.
    const found = await stat(path).catch(unless('ENOENT'));
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

/** Writes each file again in both compressed forms, at the best level: this is done once, and sent often. */
async function compressAll(folder: string): Promise<void> {
  const { brotliCompress, constants, gzip } = await import('node:zlib');
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files) {
    const content = await readFile(file);
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
    await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params }));
    await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }));
  }
}

if (import.meta.main) {
  await build().catch((error) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  });
}

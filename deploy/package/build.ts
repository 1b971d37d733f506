import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { buildIfStale } from '../../dashboard/build.ts';

/**
 * Builds what `npm pack` puts into the package, into the folder `build`. Node refuses TypeScript below node_modules, so
 * the types are removed. All else keeps its place, and each line its number.
 */

const ROOT = join(import.meta.dirname, '../..');
const BUILD = join(ROOT, 'build');

function emit(name: string, content: string): void {
  const path = join(BUILD, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

/** In imports, and in the names of the files that threads start with. */
const namingJavaScript = (code: string) => code.replaceAll(/(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g, '$1$2.js$1');

function emitCode(): void {
  for (const name of globSync('{src,migrations}/**/*.{ts,js}', { cwd: ROOT })) {
    const code = name.endsWith('.ts') ? stripTypeScriptTypes(read(name)) : read(name);
    emit(name.replace(/\.ts$/, '.js'), namingJavaScript(code));
  }
}

/** Of the parts that other programs import. */
function emitDeclarations(): void {
  const { status, stdout } = spawnSync(
    join(ROOT, 'node_modules/.bin/tsc'),
    [
      '--project',
      join(import.meta.dirname, 'tsconfig.json'),
      '--outDir',
      join(BUILD, 'src/client'),
      '--singleThreaded',
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the declarations cannot be made:\n${stdout}`);
  for (const name of globSync('src/client/*.d.ts', { cwd: BUILD }))
    emit(name, namingJavaScript(readFileSync(join(BUILD, name), 'utf8')));
}

/** `installed`: this copy was made by `npm install`, and not by `git clone`. */
function emitManifest(): void {
  const { name, version, description, type } = JSON.parse(read('package.json'));
  emit('package.json', JSON.stringify({ name, version, description, type, private: true, installed: true }));
}

async function emitDashboard(): Promise<void> {
  const problem = await buildIfStale();
  if (problem !== undefined) throw new Error(problem);
  cpSync(join(ROOT, 'dashboard/dist'), join(BUILD, 'dashboard/dist'), { recursive: true });
}

rmSync(BUILD, { recursive: true, force: true });
emitCode();
emit('openapi/openapi.json', read('openapi/openapi.json'));
emitManifest();
await Promise.all([emitDashboard(), emitDeclarations()]);

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Reads which file of this repository imports which. The diagram and test/architecture.test.ts share it. */

const root = join(import.meta.dirname, '..');

/** A path from the root of the repository imports another one. */
export type Import = { from: string; to: string; isTypeOnly: boolean };

/** The names of the files that match a pattern, from the root of the repository and in order. */
export const filesOf = (pattern: string): string[] =>
  globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }).sort();

export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** `import`, `export ... from`, `import()`, and the files that threads start with. */
const STATEMENTS = [
  /^(?:import|export)\b(?<type> type\b)?[^;'"]*?from ['"](?<target>\.[^'"]*)['"]/gm,
  /^import ['"](?<target>\.[^'"]*)['"]/gm,
  /\bimport\(\s*['"](?<target>\.[^'"]*)['"]/g,
  /\bnew URL\(\s*['"](?<target>\.[^'"]*\.ts)['"]/g,
];

/** The relative imports of one file. */
export function importsIn(file: string, text = textOf(file)): Import[] {
  return STATEMENTS.flatMap((statement) =>
    [...text.matchAll(statement)].map(({ groups = {} }) => ({
      from: file,
      to: normalize(join(dirname(file), groups.target ?? '')),
      isTypeOnly: groups.type !== undefined,
    })),
  );
}

/** Folders whose subfolders are modules of their own. */
const SPLIT = ['apis', 'auth', 'http', 'db'];

/** Files that choose between the subfolders of their folder, and so stand above these. */
const ABOVE_THEIR_FOLDER = ['src/db/select-engine.ts'];

/**
 * The module of a file: a folder of src, a subfolder of one that is split, or a single file. Undefined for what is not
 * code of the service, such as package.json.
 */
export function moduleOf(file: string): string | undefined {
  if (file.startsWith('migrations/')) return 'migrations';
  if (!file.startsWith('src/') || !file.endsWith('.ts')) return undefined;
  if (ABOVE_THEIR_FOLDER.includes(file)) return file.slice('src/'.length, -'.ts'.length);
  const [first = '', second = '', ...rest] = file.slice('src/'.length).split('/');
  if (second === '') return first.slice(0, -'.ts'.length);
  return SPLIT.includes(first) && rest.length > 0 ? `${first}/${second}` : first;
}

export type Module = {
  files: string[];
  /** The other modules that it imports. */
  imports: Set<string>;
};

/** All modules of the service, by name. */
export function readModules(): Map<string, Module> {
  const modules = new Map<string, Module>();
  for (const file of filesOf('{src,migrations}/**/*.ts')) {
    const name = moduleOf(file) ?? file;
    const module: Module = modules.get(name) ?? { files: [], imports: new Set() };
    modules.set(name, module);
    module.files.push(file);
    for (const { to } of importsIn(file)) {
      const target = moduleOf(to);
      if (target !== undefined && target !== name) module.imports.add(target);
    }
  }
  return modules;
}

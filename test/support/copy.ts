import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { temporaryDirectory } from './keyhearth.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the program needs to start, without its packages. */
export function copyOfProgram(): string {
  const copy = temporaryDirectory();
  copyProgram(copy);
  return copy;
}

/** Another test may build the dashboard at this moment, in such a folder. */
export const isFinished = (path: string) => !basename(path).startsWith('.dist-');

/** @param more further files and folders */
export function copyProgram(copy: string, ...more: string[]): void {
  for (const name of ['src', 'migrations', 'openapi', 'package.json', ...more]) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: isFinished });
  }
}

/** All packages but one. What is cached beside them is not shared. */
export function linkPackages(copy: string, except?: string): void {
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name === except || name === '.cache' || name === '.keyhearth-cache') continue;
    symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name));
  }
}

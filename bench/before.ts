import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Another state of Keyhearth, which the present one is compared with. */

const ROOT = join(import.meta.dirname, '..');
const MAIN = 'src/main.ts';

export type Checkout = {
  main: string;
  /** What the report calls it. */
  name: string;
};

const git = (directory: string, ...args: string[]) =>
  execFileSync('git', ['-C', directory, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/**
 * What `BENCH_BEFORE` names: the path of a checkout with its packages installed, or a commit of this repository, which
 * is checked out into `directory` until the process ends.
 */
export function checkoutOf(wanted: string | undefined, directory: string): Checkout | undefined {
  if (!wanted) return undefined;
  const path = resolve(wanted);
  if (existsSync(join(path, MAIN))) return { main: join(path, MAIN), name: nameOf(path) };
  const commit = commitOf(wanted);
  const worktree = join(directory, 'before');
  addWorktree(worktree, commit);
  installPackages(worktree);
  return { main: join(worktree, MAIN), name: `commit ${commit.slice(0, 7)}` };
}

function nameOf(path: string): string {
  try {
    return `commit ${git(path, 'describe', '--always', '--dirty', '--exclude=*', '--abbrev=7')}`;
  } catch {
    return 'a directory without git';
  }
}

function commitOf(wanted: string): string {
  try {
    return git(ROOT, 'rev-parse', '--verify', '--end-of-options', `${wanted}^{commit}`);
  } catch {
    throw new Error(
      `BENCH_BEFORE is neither the path of a checkout nor a commit of this repository: ${wanted}`,
    );
  }
}

function addWorktree(worktree: string, commit: string): void {
  git(ROOT, 'worktree', 'add', '--quiet', '--detach', worktree, commit);
  process.once('exit', () => git(ROOT, 'worktree', 'remove', '--force', worktree));
}

/** The same list of packages needs no second installation. */
function installPackages(worktree: string): void {
  const [ours, theirs] = [ROOT, worktree].map((root) =>
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  );
  if (ours === theirs) {
    symlinkSync(join(ROOT, 'node_modules'), join(worktree, 'node_modules'));
    return;
  }
  execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: worktree,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

type Locked = { libc?: string[]; hasInstallScript?: boolean };

const readJson = (path: string) => JSON.parse(readFileSync(join(import.meta.dirname, '..', path), 'utf8'));

/** By its place in node_modules. */
const packagesOf = (lockFile: string) => Object.entries<Locked>(readJson(lockFile).packages);

/** .ci/run compares package-lock.json before and after `npm install`. These are the reasons for which npm changed it. */
describe('`npm install` leaves the lock as it is:', () => {
  test.each(['package-lock.json', 'bench/package-lock.json', 'examples/clients/package-lock.json'])(
    '%s has no libc fields, which npm 10 removes',
    (lockFile) => {
      expect(packagesOf(lockFile).filter(([, { libc }]) => libc)).toEqual([]);
    },
  );

  test('package-lock.json marks the packages that have an install script, which npm marks when it installs them', () => {
    const nameOf = (path: string) => path.replace(/^.*node_modules\//, '');
    const marked = packagesOf('package-lock.json').filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(marked.map(([path]) => nameOf(path)).sort()).toEqual(
      Object.keys(readJson('package.json').allowScripts).sort(),
    );
  });
});

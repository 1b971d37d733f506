import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { FIRST_KEY, service, temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** Generates the clients of examples/clients from the OpenAPI document, compiles them strictly, and uses them. */

const ROOT = join(import.meta.dirname, '../..');
const CLIENTS = join(ROOT, 'examples/clients');

/** `npm run test:long` installs them. */
const isInstalled = existsSync(join(CLIENTS, 'node_modules/orval'));
const why = isInstalled ? '' : ': run npm --prefix examples/clients ci';

/** @returns what a program writes. @throws an error with the same */
async function outputOf(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { cwd: CLIENTS, env: { ...process.env, ...env } };
  const failed = (error: { stdout?: string; stderr?: string; message: string }) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  };
  return (await promisify(execFile)(program, args, options).catch(failed)).stdout;
}

describe.runIf(LONG && isInstalled)(`generated clients${why}`, () => {
  beforeAll(async () => {
    rmSync(join(CLIENTS, 'generated'), { recursive: true, force: true });
    await outputOf('npm', ['run', '--silent', 'generate']);
  });

  test('compile strictly', async () => {
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    expect(await outputOf(tsc, ['--project', CLIENTS, '--singleThreaded'])).toBe('');
  });

  test.each(['with-openapi-typescript.ts', 'with-orval.ts'])(
    '%s takes a key through its whole life',
    async (program) => {
      const { origin } = await service();
      const env = { KEYHEARTH_URL: origin, KEYHEARTH_KEY: FIRST_KEY };
      expect(JSON.parse(await outputOf(process.execPath, [program], env))).toEqual({
        codes: ['VALID', 'INACTIVE', 'VALID', 'NOT_FOUND'],
        labels: ['shop 2', 'shop 2'],
        deleted: 204,
      });
    },
  );
});

test.runIf(LONG && isInstalled)(
  `the types of the package are right for each kind of import${why}`,
  async () => {
    const folder = temporaryDirectory();
    const packed = await outputOf('npm', ['pack', ROOT, '--silent', '--pack-destination', folder]);
    const attw = join(CLIENTS, 'node_modules/.bin/attw');
    const tarball = join(folder, packed.trim().split('\n').at(-1) ?? '');
    // There is no CommonJS in the package: only `import` can load it.
    expect(await outputOf(attw, [tarball, '--profile', 'esm-only', '--no-emoji'])).toContain('OK (ESM)');
  },
);

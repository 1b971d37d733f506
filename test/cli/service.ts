import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { FIRST_KEY, type Running, register, startService } from '../support/keyhearth.ts';
import { keyhearth } from './command.ts';

/** One running service for the tests of a file, and a home directory. Its first key is registered. */
export function sharedService() {
  let running: Running | undefined;
  const home = mkdtempSync(join(tmpdir(), 'keyhearth-cli-'));

  const start = () => startService({ dataDir: join(home, 'data') });
  beforeAll(async () => {
    running = await start();
    await register(running.send);
  });
  afterAll(async () => {
    await running?.close();
    rmSync(home, { recursive: true });
  });

  const service = () => {
    if (!running) throw new Error('the service has not started');
    return running;
  };
  const env = () => ({ HOME: home, KEYHEARTH_URL: service().origin, KEYHEARTH_KEY: FIRST_KEY });

  return {
    home,
    service,
    /** A service that stops has written all that it counted. */
    async restart() {
      await service().close();
      running = await start();
    },
    /** Runs `keyhearth` with the URL and the first key. */
    run: (args: readonly string[], options: Parameters<typeof keyhearth>[1] = {}) =>
      keyhearth(args, { ...options, env: { ...env(), ...options.env } }),
    /** The same with `--json`. Fails unless the exit code is 0. @returns what it prints */
    async json(...args: string[]) {
      const { code, stdout, stderr } = await keyhearth([...args, '--json'], { env: env() });
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

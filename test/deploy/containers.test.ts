import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { environmentSchema } from '../../src/config.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

const ROOT = join(import.meta.dirname, '../..');
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const dockerfile = textOf('Dockerfile');

/** What the image sets for good. */
const FIXED = ['HOST', 'PORT', 'KEYHEARTH_DATA_DIR'];
const documented = Object.keys(environmentSchema.shape).filter((name) => !FIXED.includes(name));

type Service = {
  build?: string;
  environment: Record<string, string | null>;
  ulimits?: object;
  ports?: string[];
};
const services: Record<string, Service> = parse(textOf('docker-compose.yml'), { merge: true }).services;
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

/** Also what a shell has left behind. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All have ended.
  }
}

describe('docker-compose.yml', () => {
  test('runs Keyhearth alone, with the gateway, or as three replicas', () => {
    expect(ours.map(([name]) => name)).toEqual([
      'keyhearth',
      'gateway',
      'replica-1',
      'replica-2',
      'replica-3',
    ]);
  });

  test('publishes the gateway on this machine alone', () => {
    expect(services.gateway?.ports).toEqual([...(services.keyhearth?.ports ?? []), '127.0.0.1:8317:8317']);
  });

  test.each(ours)('passes every documented variable to %s', (_, { environment }) => {
    expect(Object.keys(environment).sort()).toEqual([...documented].sort());
  });

  // With a value, even an empty one, a variable that is not set would reach the program as an empty text.
  test('passes no variable to keyhearth that is not set', () => {
    for (const [name, value] of Object.entries(services.keyhearth?.environment ?? {}))
      expect([name, value]).toEqual([name, null]);
  });

  test('publishes PORT on this machine alone', () => {
    expect(services.keyhearth?.ports).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\$\{PORT:-8800\}:8800$/),
    ]);
  });

  test.each(ours)('lets %s write no core dump', (_, { ulimits }) => {
    expect(ulimits).toEqual({ core: 0 });
  });
});

describe('the image', () => {
  /** What the stages copy, of this folder and of earlier stages, by the name of the stage. */
  const stages = dockerfile.split(/^(?=FROM )/m).filter((stage) => stage.startsWith('FROM'));
  const copiedInto = (name: RegExp) =>
    stages.filter((stage) => name.test(stage)).flatMap((stage) => stage.match(/^COPY .*$/gm) ?? []);

  test('has the dashboard built, without its sources and the packages that build it', () => {
    const copied = [...copiedInto(/^FROM .* AS service$/m), ...copiedInto(/^FROM service$/m)];
    expect(copied).toContain('COPY --from=dashboard /app/dashboard/dist ./dashboard/dist');
    expect(copied.filter((line) => /dashboard/.test(line))).toHaveLength(1);
    expect(copied).toContain('COPY --from=dependencies /app/node_modules ./node_modules');
    expect(stages.find((stage) => / AS dependencies$/m.test(stage))).toContain('--omit=dev');
  });

  test('finds all that its stages copy', () => {
    const lines = textOf('.dockerignore').split('\n');
    const included = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = copiedInto(/./).filter((line) => !line.includes('--from'));
    const needed = copied.flatMap((line) => line.split(' ').slice(1, -1)).map((path) => path.split('/')[0]);
    expect([...new Set(needed)].sort()).toEqual(included.sort());
  });

  test('has the command line by its name', async () => {
    const [, target = '', name = ''] = /ln -s \/app\/(\S+) \/usr\/local\/bin\/(\S+)/.exec(dockerfile) ?? [];
    expect(name).toBe('keyhearth');
    const link = join(temporaryDirectory(), name);
    symlinkSync(join(ROOT, target), link);
    const { stdout } = await promisify(execFile)(link, ['--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('sets what Compose does not pass', () => {
    for (const name of FIXED) expect(dockerfile).toMatch(new RegExp(`^(ENV|  ).*\\b${name}=`, 'm'));
  });

  test.runIf(process.platform === 'linux')(
    'starts a program that writes no core dump and stops in good order',
    async () => {
      const [, command = '[]'] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
      const raised = 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"';
      const child = spawn('sh', ['-c', raised, 'sh', ...JSON.parse(command)], {
        cwd: ROOT,
        env: { PATH: process.env.PATH, PORT: '0', KEYHEARTH_DATA_DIR: temporaryDirectory() },
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      onTestFinished(() => killGroup(child.pid));
      await once(child.stdout, 'data');
      const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
      expect(limits).toMatch(/^Max core file size +0 +0 /m);
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    },
  );
});

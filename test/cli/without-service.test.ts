import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { keyhearth } from './command.ts';

/** Commands that read the settings of the service, and what they are called with. */
const commands = [
  ['recover', ''],
  ['recover', '--pepper --yes'],
  ['migrate', ''],
  ['import keys', '- --format csv'],
  ['backup', '/nonexistent/file'],
  ['restore', '/nonexistent/file --yes'],
  ['accounts reset-password', 'ops@example.com --yes'],
] as const;

const words = (...texts: string[]) => texts.join(' ').split(' ').filter(Boolean);

describe('a variable whose name has a typing error', () => {
  test.each(commands)('stops %s %s, as it stops a start', async (...command) => {
    const env = { KEYHEARTH_DATA_DIRR: temporaryDirectory() };
    expect(await keyhearth(words(...command), { env })).toEqual({
      ...{ code: 1, stdout: '' },
      stderr:
        'keyhearth: KEYHEARTH_DATA_DIRR is not a setting, but KEYHEARTH_DATA_DIR is; correct the name or remove it.\n',
    });
  });

  test('is a finding of doctor', async () => {
    const { code, stdout } = await keyhearth(['doctor'], {
      env: { KEYHEARTH_DATADIR: temporaryDirectory() },
    });
    expect(code).toBe(7);
    expect(stdout).toMatch(
      /^error settings: KEYHEARTH_DATADIR is not a setting, but KEYHEARTH_DATA_DIR is;.*\n {2}Correct it\./,
    );
  });
});

describe('a variable that only resembles a setting', () => {
  const env = {
    KEYHEARTH_DATA_DIR: '/nonexistent',
    KEYHEARTH_DATA_DIRECTORY: 'x',
    KEYHEARTH_SERVICE_HOST: 'x',
  };

  test('gets a warning, and those of Kubernetes get none', async () => {
    const { code, stderr } = await keyhearth(['migrate'], { env });
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^Warning: not a setting of Keyhearth, and ignored: KEYHEARTH_DATA_DIRECTORY \(did you mean KEYHEARTH_DATA_DIR\?\)\nkeyhearth: There is no database/,
    );
  });

  test('is a finding of doctor, and those of Kubernetes are good to know', async () => {
    const findings = async (of: Record<string, string>) => {
      const { stdout } = await keyhearth(['doctor', '--json'], { env: of });
      const all: { level: string; check: string; finding: string }[] = JSON.parse(stdout);
      return all.filter(({ check }) => check === 'settings');
    };
    expect(await findings(env)).toMatchObject([
      {
        level: 'warning',
        finding: expect.stringMatching(/KEYHEARTH_DATA_DIRECTORY \(did you .*, KEYHEARTH_SERVICE_HOST$/),
      },
    ]);
    const { KEYHEARTH_DATA_DIRECTORY: _, ...others } = env;
    expect(await findings(others)).toMatchObject([{ level: 'info' }]);
  });
});

describe('an option for a service', () => {
  test.each(['profiles list', 'profiles remove a', 'completion bash'])(
    'is refused by %s',
    async (command) => {
      const name = command.replace(/ (?:a|bash)$/, '');
      for (const option of ['--url', '--profile', '--key-file'])
        expect(await keyhearth([option, 'x', ...words(command)])).toEqual({
          ...{ code: 2, stdout: '' },
          stderr: `keyhearth: ${name} asks no service, so ${option} has no meaning here; remove it.\n`,
        });
    },
  );

  test.each<readonly [string, string]>([
    ...commands,
    ['import proxbox', 'file'],
    ['import cli-proxy', 'file'],
    ['copy', 'a b'],
    ['doctor', ''],
  ])('is refused by %s %s', async (name, more) => {
    for (const option of ['--url', '--profile', '--key-file'])
      expect(await keyhearth([option, 'x', ...words(name, more)])).toEqual({
        ...{ code: 2, stdout: '' },
        stderr: `keyhearth: ${name} works on the database, without a service, so ${option} has no meaning here; remove it.\n`,
      });
  });

  test.each(['recover', 'import keys', 'accounts reset-password'])(
    'is not in the help of %s',
    async (command) => {
      const { stdout } = await keyhearth([...words(command), '--help']);
      expect(stdout).toContain('--json');
      expect(stdout).not.toMatch(/--url|--profile|--key-file/);
    },
  );

  test('is not offered by the completion of such a command', async () => {
    const { stdout } = await keyhearth(['completion', 'bash']);
    expect(stdout).toMatch(/'recover'\) words='[^']*--json/);
    expect(stdout).not.toMatch(/'recover'\) words='[^']*--url/);
    expect(stdout).toMatch(/'accounts\/list'\) words='[^']*--url/);
  });

  test('of the environment does not matter', async () => {
    const env = {
      ...{ KEYHEARTH_DATA_DIR: '/nonexistent', KEYHEARTH_URL: 'https://keys.example.com' },
      KEYHEARTH_PROFILE: 'x',
    };
    expect(await keyhearth(['migrate'], { env })).toMatchObject({ code: 4 });
  });
});

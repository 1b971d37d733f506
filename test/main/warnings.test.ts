import { expect, test } from 'vitest';
import { register, startProcess, temporaryDirectory } from '../support/keyhearth.ts';

const WARNING = 'anybody who reaches this port can register it';

async function logOf(env: Record<string, string>): Promise<string> {
  const { child, ended, stdout } = await startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory(), ...env });
  child.kill('SIGTERM');
  await ended;
  return stdout();
}

test('a port that others can reach, before the first key is registered, is a warning', async () => {
  expect(await logOf({ HOST: '0.0.0.0' })).toContain(WARNING);
});

test('there is no warning on the loopback, or with a bootstrap token', async () => {
  expect(await logOf({ HOST: '127.0.0.1' })).not.toContain(WARNING);
  expect(await logOf({ HOST: '0.0.0.0', KEYHEARTH_BOOTSTRAP_TOKEN: 'a-token-of-this-test' })).not.toContain(
    WARNING,
  );
});

test('there is no warning once the first key is registered', async () => {
  const dataDir = temporaryDirectory();
  const first = await startProcess({ KEYHEARTH_DATA_DIR: dataDir });
  await register(first.send);
  first.child.kill('SIGTERM');
  await first.ended;
  expect(await logOf({ KEYHEARTH_DATA_DIR: dataDir, HOST: '0.0.0.0' })).not.toContain(WARNING);
});

test('an unknown name is a warning that has the name of the similar setting, and not the value', async () => {
  const log = await logOf({ KEYHEARTH_DATA_DIRECTORY: 'a-value-of-this-test' });
  expect(log).toContain('KEYHEARTH_DATA_DIRECTORY (did you mean KEYHEARTH_DATA_DIR?)');
  expect(log).not.toContain('a-value-of-this-test');
});

test('a trusted proxy on the loopback is a warning, until the hosts are limited', async () => {
  const warning = 'Set KEYHEARTH_ALLOWED_HOSTS';
  expect(await logOf({ KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' })).toContain(warning);
  expect(await logOf({ KEYHEARTH_TRUSTED_PROXIES: '10.0.0.1' })).not.toContain(warning);
  const limited = { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1', KEYHEARTH_ALLOWED_HOSTS: 'localhost' };
  expect(await logOf(limited)).not.toContain(warning);
});

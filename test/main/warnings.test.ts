import { expect, test } from 'vitest';
import { register, startProcess, startService, temporaryDirectory } from '../support/keyhearth.ts';

const ANYBODY = 'anybody who reaches this port can register it';
const ANY_HOST = 'Set KEYHEARTH_ALLOWED_HOSTS';

async function logOf(env: Record<string, string>): Promise<string> {
  const { child, ended, stdout } = await startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory(), ...env });
  child.kill('SIGTERM');
  await ended;
  return stdout();
}

test('a port that others can reach, and a trusted proxy on the loopback, are warnings', async () => {
  const log = await logOf({ HOST: '0.0.0.0', KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' });
  expect(log).toContain(ANYBODY);
  expect(log).toContain(ANY_HOST);
});

test('a port of the loopback, and a trusted proxy elsewhere, are none', async () => {
  const log = await logOf({ HOST: '127.0.0.1', KEYHEARTH_TRUSTED_PROXIES: '10.0.0.1' });
  expect(log).not.toContain(ANYBODY);
  expect(log).not.toContain(ANY_HOST);
});

test('there is no warning with a bootstrap token, nor when the hosts are limited', async () => {
  const log = await logOf({
    HOST: '0.0.0.0',
    KEYHEARTH_BOOTSTRAP_TOKEN: 'a-token-of-this-test',
    KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1',
    KEYHEARTH_ALLOWED_HOSTS: 'localhost',
  });
  expect(log).not.toContain(ANYBODY);
  expect(log).not.toContain(ANY_HOST);
});

test.each([
  ['http://receiver.example/hook', true],
  ['https://receiver.example/hook', false],
  ['http://127.0.0.1:9/hook', false],
])('a webhook to %s', async (url, isWarned) => {
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const log = await logOf({ KEYHEARTH_WEBHOOK_URL: url, KEYHEARTH_WEBHOOK_SECRET: secret });
  expect(log.includes('without encryption')).toBe(isWarned);
});

test('there is no warning once the first key is registered', async () => {
  const dataDir = temporaryDirectory();
  const first = await startService({ dataDir });
  await register(first.send);
  await first.close();
  expect(await logOf({ KEYHEARTH_DATA_DIR: dataDir, HOST: '0.0.0.0' })).not.toContain(ANYBODY);
});

test('an unknown name is a warning that has the name of the similar setting, and not the value', async () => {
  const log = await logOf({ KEYHEARTH_DATA_DIRECTORY: 'a-value-of-this-test' });
  expect(log).toContain('KEYHEARTH_DATA_DIRECTORY (did you mean KEYHEARTH_DATA_DIR?)');
  expect(log).not.toContain('a-value-of-this-test');
});

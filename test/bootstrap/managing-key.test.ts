import { expect, test } from 'vitest';
import { keyhearth } from '../cli/command.ts';
import { bootstrapped, databaseFor, FIRST_KEY, service, sqlIn } from '../support/keyhearth.ts';

/** Runs `recover` on the database of a service, without a key. */
async function recover(dataDir: string, ...options: string[]) {
  const database = await databaseFor(dataDir);
  return keyhearth(['recover', ...options], {
    env: { ...database, KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_BCRYPT_COST: '10' },
  });
}

test('a running service accepts the new key at once, which can do everything', async () => {
  const { send, dataDir } = await bootstrapped();
  const { code, stdout, stderr } = await recover(dataDir);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^kh_\w{61}\n$/) });
  const key = stdout.trim();
  expect(stderr).toMatch(/^Made key 2, .*\n$/);
  expect(stderr).not.toContain(key);

  const { json } = await send({ path: '/auth/keys', key });
  expect(json.keys).toMatchObject([
    { id: 2, label: 'recovered', scopes: ['*'], expires_at: null, is_active: true },
    { id: 1, is_active: true },
  ]);
  expect((await send({ method: 'POST', path: '/auth/keys/1/deactivate', key })).status).toBe(200);
  expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(401);

  const audit = await send({ path: '/auth/audit?action=key.created', key });
  expect(audit.json.events).toMatchObject([{ key_id: 2, actor: { kind: 'operator' }, address: null }]);
  expect(audit.text).not.toContain(key);
  expect(JSON.stringify(await sqlIn(dataDir, 'select * from api_keys'))).not.toContain(key);
});

test('--json has the key, and --label names it', async () => {
  const { send, dataDir } = await bootstrapped();
  const { stdout } = await recover(dataDir, '--json', '--label', ' night shift ');
  const made = JSON.parse(stdout);
  expect(made).toEqual({ id: 2, label: 'night shift', raw_key: expect.any(String) });
  expect((await send({ path: '/auth/keys', key: made.raw_key })).status).toBe(200);
  for (const label of ['', '\u202e', 'x'.repeat(201)])
    expect(await recover(dataDir, '--label', label)).toMatchObject({ code: 2, stdout: '' });
});

test('it does not replace the registration of the first key', async () => {
  const { send, dataDir } = await service({
    env: { KEYHEARTH_BOOTSTRAP_TOKEN: 'a-token-of-the-operator-0123456789' },
  });
  const { code, stdout, stderr } = await recover(dataDir);
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(stderr).toMatch(/No first key was ever registered/);
  expect((await send({ path: '/auth/bootstrap-status' })).json).toMatchObject({ needs_bootstrap: true });
});

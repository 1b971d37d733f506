import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { keyhearth } from '../cli/command.ts';
import {
  bootstrapped,
  databaseFor,
  FIRST_KEY,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { ADMIN, cookiesOf, setUpTwoFactor, signIn, withCookie } from '../support/people.ts';

test('second factors, sessions and invitations end, and people sign in with the password', async () => {
  const dataDir = temporaryDirectory();
  const before = await startService({ dataDir });
  const answer = await before.send({ method: 'POST', path: '/auth/setup', body: ADMIN });
  const admin = withCookie(before.send, cookiesOf(answer));
  await setUpTwoFactor(admin, systemClock);
  const invitation = { email: 'new@example.com', role: 'member' };
  expect(await admin('POST', '/auth/invitations', invitation)).toMatchObject({ status: 201 });
  await before.close();
  // The file of a gateway makes the fingerprint of such a key again, so nobody waits for bcrypt.
  await sqlIn(
    dataDir,
    "insert into api_keys (id, label, hint, fingerprint, hash, is_active, created_at, source) values (9, '', '', 'of-a-gateway', '', 1, 0, 'config')",
  );
  await sqlIn(
    dataDir,
    "insert into api_keys (id, label, hint, fingerprint, hash, is_active, created_at, source) values (10, '', 'abcd', 'of-an-import', '', 1, 0, 'imported')",
  );
  rmSync(join(dataDir, 'pepper'));

  const env = { ...(await databaseFor(dataDir)), KEYHEARTH_DATA_DIR: dataDir };
  const { code, stdout, stderr } = await keyhearth(['recover', '--pepper', '--yes', '--json'], { env });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^1 imported keys are lost and now inactive.*import their file again/);
  expect(stderr).toContain('remove from the file all keys that were deleted or rotated');
  expect(await sqlIn(dataDir, 'select id from api_keys where is_active = 0')).toEqual([{ id: 10 }]);
  expect(JSON.parse(stdout)).toMatchObject({ keys: 1, lost_keys: 1, second_factors: 1, invitations: 1 });
  for (const table of ['sessions', 'invitations'])
    expect(await sqlIn(dataDir, `select 1 from ${table}`)).toEqual([]);
  expect(await sqlIn(dataDir, 'select totp_secret, recovery_codes from accounts')).toEqual([
    { totp_secret: null, recovery_codes: null },
  ]);

  const { send } = await service({ dataDir });
  const again = await signIn(send);
  const { json } = await again('GET', '/auth/audit?action=pepper.replaced');
  expect(json.events).toMatchObject([{ actor: { kind: 'operator' } }]);
});

test('a pepper that is about to change is not lost', async () => {
  const dataDir = temporaryDirectory();
  const [old, next] = ['ab'.repeat(32), 'cd'.repeat(32)];
  await (await startService({ dataDir, env: { KEYHEARTH_PEPPER: old } })).close();
  const env = { ...(await databaseFor(dataDir)), KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_PEPPER: next };
  const recover = (previous: string) =>
    keyhearth(['recover', '--pepper', '--yes'], { env: { ...env, KEYHEARTH_PEPPER_PREVIOUS: previous } });
  expect(await recover(old)).toMatchObject({ code: 5, stderr: expect.stringMatching(/previous one fits/) });
  expect(await recover('ef'.repeat(32))).toMatchObject({ code: 0 });
});

test('a lost pepper is replaced only when no service runs', async () => {
  const { dataDir, send } = await bootstrapped();
  const pepper = join(dataDir, 'pepper');
  const env = { ...(await databaseFor(dataDir)), KEYHEARTH_DATA_DIR: dataDir };
  const recover = () => keyhearth(['recover', '--pepper', '--yes'], { env });
  expect(await recover()).toMatchObject({ code: 5, stderr: expect.stringMatching(/fits the database/) });
  rmSync(pepper);
  expect(await recover()).toMatchObject({ code: 5, stderr: expect.stringMatching(/stop Keyhearth on all/) });
  expect(existsSync(pepper)).toBe(false);
  expect(await send({ path: '/auth/verify', key: FIRST_KEY })).toMatchObject({ status: 200 });
  const [row] = await sqlIn(dataDir, 'select fingerprint from api_keys');
  expect(row?.fingerprint).not.toBeNull();
});

test('where there is no database, no pepper is lost', async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory() };
  expect(await keyhearth(['recover', '--pepper', '--yes'], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^keyhearth: There is no database at .*keyhearth\.db; check /),
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { ADMIN, setUpTwoFactor, signIn } from '../support/people.ts';
import { sharedService } from './service.ts';

const { run, json, service, restart } = sharedService();

const squeezed = (text: string) => text.replaceAll(/ +/g, ' ');

describe('lockouts', () => {
  test.each(['198.51.100.7', '2001:db8::/64'])('%s is listed and cleared', async (address) => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const body = { keys, ip: address.replace('/64', '1') };
    await service().send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body });
    const [lockout] = await json('lockouts', 'list');
    expect(lockout).toMatchObject({ address, kind: 'api_key', failures: 5 });
    const { stdout } = await run(['lockouts', 'list']);
    expect(squeezed(stdout)).toMatch(/^ADDRESS KIND FAILURES LOCKED UNTIL\n\S+ api_key 5 20\d\d-.*Z\n$/);

    expect(await run(['lockouts', 'clear', address])).toEqual({
      ...{ code: 0, stdout: '' },
      stderr: `Ended the lockouts of ${address}.\n`,
    });
    expect(await json('lockouts', 'list')).toEqual([]);
    expect(await run(['lockouts', 'clear', address])).toEqual({
      ...{ code: 4, stdout: '' },
      stderr: `keyhearth: ${address} was not locked out, and had no failed attempts; see keyhearth lockouts list.\n`,
    });
  });

  test.each([
    ['2001:db8:0:1::/64', '2001:DB8:0:1:2::3'],
    ['who@example.com', 'Who@example.com'],
  ])('%s has the name %s too', async (listed, asked) => {
    const isAddress = listed.includes(':');
    if (isAddress) {
      const body = { keys: ['a'], ip: listed.replace('/64', '1') };
      await service().send({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body });
    } else
      await service().send({
        method: 'POST',
        path: '/auth/login',
        body: { email: listed, password: 'wrong' },
      });
    expect(await json('lockouts', 'list')).toContainEqual(expect.objectContaining({ address: listed }));
    expect(await run(['lockouts', 'clear', asked])).toMatchObject({ code: 0 });
    expect(await run(['lockouts', 'clear', asked])).toMatchObject({ code: 4 });
  });
});

test('audit: who changed what, as a table and as JSON', async () => {
  const { id } = await json('keys', 'create', '--label', 'before', '--scope', 'a:b');
  await json('keys', 'update', String(id), '--label', 'after');
  const events = await json('audit', '--key-id', String(id));
  expect(events.map(({ action }: { action: string }) => action)).toEqual(['key.updated', 'key.created']);
  const { stdout } = await run(['audit', '--key-id', String(id), '--action', 'key.updated']);
  expect(squeezed(stdout)).toMatch(
    /^TIME ACTION ACTOR FROM KEY CHANGES\n20\d\d-\S+Z key\.updated key 1 first 127\.0\.0\.1 \d+ label: "before" → "after"\n$/,
  );
  expect(await json('audit', '--key-id', String(id), '--to', '2020-01-01T00:00:00Z')).toEqual([]);
  expect(await json('audit', '--key-id', String(id), '--from', '2020-01-01')).toEqual(events);
  expect(await json('audit', '--key-id', String(id), '--to', '2020-01-01')).toEqual([]);
  const wrong = await run(['audit', '--from', 'yesterday']);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr.split('from must').length).toBe(2);
});

test('usage: of all keys, of one, and the most used', async () => {
  const { id, raw_key: key } = await json('keys', 'create', '--label', 'busy', '--scope', 'a:b');
  await service().send({ path: '/auth/verify', key });
  await service().send({ path: '/auth/verify?scope=c:d', key });
  await restart();
  const sum = async (...args: string[]) => {
    const buckets: { valid: number }[] = await json('usage', ...args);
    return buckets.reduce((total, { valid }) => total + valid, 0);
  };
  expect(await sum(String(id))).toBe(1);
  expect(await sum('--bucket', 'day')).toBeGreaterThanOrEqual(1);
  const { stdout } = await run(['usage', '--top', '1']);
  expect(squeezed(stdout)).toBe(`ID LABEL VALID REFUSED\n${id} busy 1 INSUFFICIENT_SCOPE 1\n`);
  expect(await run(['usage', String(id), '--top', '1'])).toMatchObject({ code: 2 });
});

describe('accounts', () => {
  beforeAll(async () => {
    const answer = await service().send({ method: 'POST', path: '/auth/setup', key: FIRST_KEY, body: ADMIN });
    expect(answer.status).toBe(201);
  });

  test('invite: the link is alone on standard output', async () => {
    const { stdout, stderr } = await run([
      ...['accounts', 'invite', 'new@example.com', '--scope', 'invoices:read'],
    ]);
    expect(stdout).toMatch(/^http\S+#khi_\w+\n$/);
    expect(stderr).toMatch(/^Pass this link on to new@example\.com\. It works once/);
    expect(stderr).not.toContain('khi_');
    const lost = await run(['accounts', 'invite', 'new@example.com'], { broken: new Error('closed') });
    expect(lost).toEqual({
      ...{ code: 1, stdout: '' },
      stderr:
        'keyhearth: Standard output cannot be written (closed). Nobody has the link of the invitation. Invite the person again.\n',
    });
  });

  test('disable-2fa: a lost second factor is gone, with all sessions', async () => {
    const admin = await signIn(service().send);
    await setUpTwoFactor(admin, { now: Date.now });
    const listed = await run(['accounts', 'list']);
    expect(squeezed(listed.stdout)).toMatch(/\nops@example\.com admin \* yes 20\d\d-\S+ [\w-]{36}\n$/);

    const remove = ['accounts', 'disable-2fa', 'Ops@example.com'];
    expect(await run(remove)).toMatchObject({ code: 2 });
    expect(await json(...remove, '--yes')).toMatchObject({ email: ADMIN.email });
    expect(await json('accounts', 'list')).toMatchObject([{ email: ADMIN.email, two_factor: false }]);
    expect(await admin('GET', '/auth/self')).toMatchObject({ status: 401 });
    expect(await run(['accounts', 'disable-2fa', 'nobody@example.com', '--yes'])).toMatchObject({ code: 4 });
  });

  test('reset-password: a new password while the service runs, and no session from before', async () => {
    const { send, dataDir } = service();
    const admin = await signIn(send);
    const env = { KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_BCRYPT_COST: '10', KEYHEARTH_KEY: '' };
    const reset = (email: string, ...options: string[]) =>
      run(['accounts', 'reset-password', email, ...options], { env });

    expect(await reset(ADMIN.email)).toMatchObject({ code: 2, stdout: '' });
    expect(await reset('nobody@example.com', '--yes')).toMatchObject({ code: 4, stdout: '' });
    expect(await admin('GET', '/auth/self')).toMatchObject({ status: 200 });
    const command = ['accounts', 'reset-password', ADMIN.email, '--yes'];
    const lost = await run(command, { env, broken: new Error('closed') });
    expect(lost.stderr).toContain(
      'The old password of ops@example.com is invalid, and nobody has the new one. Run the command again.',
    );
    const { code, stdout, stderr } = await reset('Ops@example.com', '--yes');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^(?:[a-z2-9]{5}-?){4}\n$/) });
    expect(stderr).toMatch(/^Pass this password on to ops@example\.com/);
    expect(stderr).not.toContain(stdout.trim());

    expect(await admin('GET', '/auth/self')).toMatchObject({ status: 401 });
    expect(await send({ method: 'POST', path: '/auth/login', body: ADMIN })).toMatchObject({ status: 401 });
    await signIn(send, { email: ADMIN.email, password: stdout.trim() });
    const [event] = await json('audit', '--action', 'account.password_changed');
    expect(event).toMatchObject({ actor: { kind: 'operator', label: null }, address: null });
  });
});

import { describe, expect, test } from 'vitest';
import { ADMIN, peopled } from '../support/people.ts';

/** What people learn from a refusal. */

describe('people without a key', () => {
  test('learn that they can sign in', async () => {
    const { send } = await peopled();
    for (const path of ['/auth/self', '/auth/sessions', '/auth/self/two-factor'])
      expect((await send(path)).json.hint).toMatch(
        /, or sign in with POST \/auth\/login and send its cookie\.$/,
      );
  });

  test('are not told about keys when an admin must help', async () => {
    const { add, signIn } = await peopled();
    await add('member@example.com');
    const member = await signIn({ ...ADMIN, email: 'member@example.com' });
    const detailOf = async (path: string) => (await member('GET', path)).json.detail;
    expect(await detailOf('/auth/accounts')).toBe('Only an admin can do this.');
    expect(await detailOf('/auth/lockouts')).toBe('Your account does not hold lockouts:write. Ask an admin.');
  });
});

describe('a sign-in', () => {
  test('names the fields that are missing', async () => {
    const { send } = await peopled();
    const detailOf = async (body: object) =>
      (await send({ method: 'POST', path: '/auth/login', body })).json.detail;
    expect(await detailOf({})).toBe('email is required. password is required.');
    expect(await detailOf({ email: ADMIN.email })).toBe('password is required.');
  });

  test('ignores spaces around the e-mail address, at all APIs', async () => {
    const { send, admin, add } = await peopled();
    await add('member@example.com');
    const email = ' member@example.com ';
    const { password } = ADMIN;
    for (const [path, body] of [
      ['/auth/login', { email, password }],
      ['/v1/auth/login', { email, password }],
      ['/api/trpc/users.login', { email, password }],
    ] as const)
      expect((await send({ method: 'POST', path, body })).status, path).toBe(200);
    expect((await admin('POST', '/auth/invitations', { email: ' new@example.com ' })).json.email).toBe(
      'new@example.com',
    );
  });
});

test('a wrong current password is named, and is no end of the session', async () => {
  const { admin } = await peopled();
  const body = { current_password: 'not the right password', password: 'purple monkey dishwasher' };
  expect(await admin('POST', '/auth/self/password', body)).toMatchObject({
    status: 401,
    json: {
      code: 'invalid_sign_in',
      detail: 'The password is wrong.',
      errors: [{ path: 'current_password', message: 'The password is wrong.' }],
    },
  });
});

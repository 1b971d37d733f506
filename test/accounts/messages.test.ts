import { describe, expect, test } from 'vitest';
import { ADMIN, cookiesOf, peopled } from '../support/people.ts';

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

describe('a token in place of an API key', () => {
  test('is named, and does not count as a guess', async () => {
    const { send, admin } = await peopled();
    const signedIn = await send({ method: 'POST', path: '/auth/login', body: ADMIN });
    const session = cookiesOf(signedIn).replace('keyhearth_session=', '');
    const { json } = await send({ method: 'POST', path: '/v1/auth/login', body: ADMIN });
    const invited = await admin('POST', '/auth/invitations', { email: 'new@example.com' });
    for (const [token, detail] of [
      [session, /^This is the token of a session, and not an API key\./],
      [json.access_token, /^This is an access token, and not an API key\./],
      [invited.json.token, /^This is the token of an invitation, and not an API key\./],
    ] as const) {
      for (let time = 0; time < 6; time++)
        for (const path of ['/auth/keys', '/auth/verify']) {
          const answer = await send({ path, headers: { Authorization: `Bearer ${token}` } });
          expect(answer).toMatchObject({ status: 401, json: { code: 'invalid_api_key' } });
          expect(answer.json.detail).toMatch(detail);
        }
      const typo = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
      expect((await send({ path: '/auth/keys', key: typo })).json.detail).toMatch(/^Invalid API key\. /);
    }
  });
});

describe('a new password', () => {
  test('is not the old one, and not of spaces alone', async () => {
    const { admin, signIn } = await peopled();
    const change = (password: string) =>
      admin('POST', '/auth/self/password', { current_password: ADMIN.password, password });
    const detailOf = async (password: string) => {
      const { status, json } = await change(password);
      return { status, detail: json?.detail };
    };
    expect(await detailOf(ADMIN.password)).toEqual({
      status: 400,
      detail: 'password must not be the current password.',
    });
    expect(await detailOf(' '.repeat(12))).toEqual({
      status: 400,
      detail: 'password must not be spaces alone.',
    });
    await signIn();
  });
});

test('ending the session of the request removes its cookie, and ending another does not', async () => {
  const { admin, signIn } = await peopled();
  const other = await signIn();
  const ids = (await other('GET', '/auth/sessions')).json.sessions as { id: number; is_current: boolean }[];
  const cookiesAfter = async (isCurrent: boolean) => {
    const id = ids.find(({ is_current }) => is_current === isCurrent)?.id;
    const answer = await other('DELETE', `/auth/sessions/${id}`);
    expect(answer.status).toBe(204);
    return answer.headers['set-cookie'];
  };
  expect(await cookiesAfter(false)).toBeUndefined();
  expect(await cookiesAfter(true)).toEqual([expect.stringMatching(/^keyhearth_session=; Max-Age=0/)]);
  expect((await admin('GET', '/auth/self')).status).toBe(401);
});

test('the keys of a deleted account have one fate', async () => {
  const { admin, adminId, add } = await peopled();
  const id = await add('member@example.com');
  const both = await admin('DELETE', `/auth/accounts/${id}?keys=delete&keys_to=${adminId}`);
  expect(both).toMatchObject({
    status: 400,
    json: { detail: 'Send either keys=delete or keys_to, not both.' },
  });
});

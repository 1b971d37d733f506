import { describe, expect, test } from 'vitest';
import { service, sqlIn } from '../support/keyhearth.ts';
import { CHEAP } from '../support/keys.ts';
import { ADMIN, cookiesOf, peopled, withCookie } from '../support/people.ts';

/** How people get accounts: by an invitation, or by themselves where the operator allows it. */

const PASSWORD = 'purple monkey dishwasher';
const WEEK = 7 * 86_400;
const INVALID = { status: 404, json: { code: 'invalid_invitation' } };

async function inviting(body: object = { email: 'New@Example.com', scopes: ['invoices:read'] }) {
  const it = await peopled();
  const made = await it.admin('POST', '/auth/invitations', body);
  expect(made).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
  const accept = (more: object = {}) =>
    it.send({
      method: 'POST',
      path: '/auth/accept-invitation',
      body: { token: made.json.token, password: PASSWORD, name: 'New', ...more },
    });
  return { ...it, made: made.json, accept };
}

describe('an invitation', () => {
  test('is a link that makes an account and signs it in', async () => {
    const { admin, made, accept, send, origin, clock, dataDir } = await inviting();
    expect(made).toEqual({
      ...{ id: 1, email: 'new@example.com', role: 'member', scopes: ['invoices:read'] },
      created_at: clock.now() / 1_000,
      expires_at: clock.now() / 1_000 + WEEK,
      token: expect.stringMatching(/^khi_[0-9A-Za-z]{61}$/),
      url: `${origin}/dashboard/invitation#${made.token}`,
    });
    const { token: _, url: __, ...listed } = made;
    expect((await admin('GET', '/auth/invitations')).json).toEqual({ invitations: [listed] });
    expect(JSON.stringify(await sqlIn(dataDir, 'select * from invitations'))).not.toContain(made.token);

    const accepted = await accept();
    expect(accepted).toMatchObject({
      status: 201,
      json: {
        email: 'new@example.com',
        name: 'New',
        role: 'member',
        scopes: ['invoices:read'],
        is_approved: true,
      },
    });
    const person = withCookie(send, cookiesOf(accepted));
    expect((await person('GET', '/auth/self')).json.id).toBe(accepted.json.id);
    expect((await person('POST', '/auth/keys', { scopes: ['invoices:read'] })).status).toBe(201);
    expect((await admin('GET', '/auth/invitations')).json).toEqual({ invitations: [] });
    const { json: log } = await admin('GET', `/auth/audit?actor=${accepted.json.id}`);
    expect(log.events.map((event: { action: string }) => event.action)).toEqual([
      'key.created',
      'session.started',
      'account.created',
      'invitation.accepted',
    ]);
  });

  test('works once, of 20 at the same time', async () => {
    const { accept, dataDir } = await inviting();
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 201) expect(answer).toMatchObject(INVALID);
    expect(await sqlIn(dataDir, 'select id from accounts')).toHaveLength(2);
  });

  test('works for 7 days', async () => {
    const { admin, accept, pass } = await inviting();
    pass(WEEK - 1);
    expect((await accept({ password: 'short' })).status).toBe(400);
    pass(1);
    expect(await accept()).toMatchObject(INVALID);
    // The session of the admin is renewed while it is used.
    expect((await admin('GET', '/auth/invitations')).json).toEqual({ invitations: [] });
  });

  test('can be taken back', async () => {
    const { admin, accept } = await inviting();
    expect((await admin('DELETE', '/auth/invitations/1')).status).toBe(204);
    expect(await admin('DELETE', '/auth/invitations/1')).toMatchObject({
      status: 404,
      json: { code: 'invitation_not_found' },
    });
    expect(await accept()).toMatchObject(INVALID);
  });

  test('refuses other tokens, and pages of other sites', async () => {
    const { accept, made, send } = await inviting();
    const wrong = `${made.token.slice(0, -1)}${made.token.endsWith('0') ? '1' : '0'}`;
    for (const token of ['', 'khi_', wrong, 'k'.repeat(512)])
      expect(await accept({ token })).toMatchObject(INVALID);
    const foreign = await send({
      method: 'POST',
      path: '/auth/accept-invitation',
      headers: { Origin: 'https://elsewhere.test' },
      body: { token: made.token, password: PASSWORD },
    });
    expect(foreign).toMatchObject({ status: 403, json: { code: 'cross_site_request' } });
    expect((await accept()).status).toBe(201);
  });

  test('of an e-mail address with an account tells only the admin', async () => {
    const { admin, accept, add } = await inviting();
    await add('new@example.com');
    const again = await admin('POST', '/auth/invitations', { email: 'NEW@example.com' });
    expect(again).toMatchObject({ status: 409, json: { code: 'email_already_used' } });
    expect(await accept()).toMatchObject(INVALID);
  });

  test('makes an admin, and ends the other invitations of the person', async () => {
    const { admin, accept, send } = await inviting({ email: 'new@example.com', role: 'admin' });
    const other = await admin('POST', '/auth/invitations', { email: 'new@example.com' });
    const accepted = await accept();
    expect(accepted.json).toMatchObject({ role: 'admin', scopes: ['*'] });
    expect((await withCookie(send, cookiesOf(accepted))('GET', '/auth/accounts')).status).toBe(200);
    expect(await accept({ token: other.json.token })).toMatchObject(INVALID);
  });

  test('ends when the person registers, and does not work again after a deletion', async () => {
    const { admin, send, dataDir } = await peopled({ env: { KEYHEARTH_REGISTRATION: 'open' } });
    const invited = await admin('POST', '/auth/invitations', { email: 'new@example.com' });
    const body = { name: 'New', email: 'New@example.com', password: PASSWORD };
    const registered = await send({
      method: 'POST',
      path: '/v1/auth/register',
      body: { ...body, password_confirmation: PASSWORD },
    });
    expect(registered.status).toBe(201);
    expect((await admin('GET', '/auth/invitations')).json).toEqual({ invitations: [] });
    const [account] = await sqlIn(dataDir, "select id from accounts where email = 'new@example.com'");
    await admin('DELETE', `/auth/accounts/${account?.id}?keys=delete`);
    expect(
      await send({
        method: 'POST',
        path: '/auth/accept-invitation',
        body: { token: invited.json.token, password: PASSWORD },
      }),
    ).toMatchObject(INVALID);
  });

  test('that is older than an account ends with the account', async () => {
    const { admin, accept, add } = await inviting();
    const id = await add('new@example.com');
    expect((await admin('DELETE', `/auth/accounts/${id}?keys=delete`)).status).toBe(204);
    expect((await admin('GET', '/auth/invitations')).json).toEqual({ invitations: [] });
    expect(await accept()).toMatchObject(INVALID);
  });

  test.each([
    { email: 'no address' },
    { email: 'new@example.com', role: 'owner' },
    { email: 'new@example.com', scopes: ['*'] },
    { email: 'new@example.com', role: 'admin', scopes: ['invoices:read'] },
  ])('is refused for %j', async (body) => {
    const { admin } = await peopled();
    expect((await admin('POST', '/auth/invitations', body)).status).toBe(400);
  });
});

describe('registration', () => {
  const open = { env: { KEYHEARTH_REGISTRATION: 'open' } };
  const registration = (email = 'self@example.com') => ({
    method: 'POST',
    path: '/v1/auth/register',
    body: { name: 'Self', email, password: PASSWORD, password_confirmation: PASSWORD },
  });

  test('is closed by default, and while no first key is registered', async () => {
    const { send } = await peopled();
    expect((await send(registration())).status).toBe(403);
    const fresh = await service({ ...open, config: CHEAP });
    expect((await fresh.send(registration())).status).toBe(403);
    await fresh.send({ method: 'POST', path: '/auth/setup', body: ADMIN });
    expect((await fresh.send(registration())).status).toBe(201);
  });

  test('makes a member, whose keys open nothing else before an approval', async () => {
    const { send, admin } = await peopled(open);
    const { json } = await send(registration());
    const Authorization = `Bearer ${json.access_token}`;
    const made = await send({ method: 'POST', path: '/v1/profile/api-keys', headers: { Authorization } });
    const key: string = made.json.plain_text_token;
    const { json: all } = await admin('GET', '/auth/accounts');
    const account = all.accounts.find((each: { email: string }) => each.email === 'self@example.com');
    expect(account).toMatchObject({ role: 'member', scopes: [], is_approved: false });
    const path = `/auth/accounts/${account.id}`;
    for (const body of [{ role: 'admin' }, { scopes: ['invoices:read'] }])
      expect((await admin('PATCH', path, body)).status).toBe(400);
    expect((await send({ path: '/auth/verify', key })).status).toBe(401);
    expect((await send({ path: '/auth/self', key })).status).toBe(401);
    expect((await admin('POST', `${path}/approve`)).json).toMatchObject({ is_approved: true });
    expect((await send({ path: '/auth/verify', key })).status).toBe(200);
    const before = (await admin('GET', '/auth/audit')).json.events;
    expect(before[0]).toMatchObject({
      action: 'account.approved',
      account_id: account.id,
      changes: { is_approved: { from: false, to: true } },
    });
    expect((await admin('POST', `${path}/approve`)).status).toBe(200);
    expect((await admin('GET', '/auth/audit')).json.events).toEqual(before);
  });

  test('of one address is limited', async () => {
    const { send } = await peopled(open);
    const statuses = [];
    for (let i = 0; i < 21; i++) statuses.push((await send(registration(`self-${i}@example.com`))).status);
    expect(statuses.slice(0, 20).every((status) => status === 201)).toBe(true);
    expect(statuses[20]).toBe(429);
  });
});

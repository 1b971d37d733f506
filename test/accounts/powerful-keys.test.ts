import { describe, expect, test } from 'vitest';
import type { Person } from '../support/people.ts';
import { ADMIN, peopled } from '../support/people.ts';
import { clientOf } from '../support/proxyhat.ts';
import { failureOf, proxyosClient, signedIn } from '../support/proxyos.ts';

/** A session whose sign-in is old must not yield a key that can manage keys: the key would outlive the session. */

const QUARTER = 900;
const old = { status: 403, json: { code: 'recent_sign_in_required' } };
const { email, password } = ADMIN;

type Made = { id: number; raw_key: string };

const made = async (person: Person, body: object): Promise<Made> => {
  const answer = await person('POST', '/auth/keys', body);
  expect(answer, answer.text).toMatchObject({ status: 201 });
  return answer.json;
};

/** An admin who signed in long ago, with a key of each kind. */
async function longSignedIn() {
  const it = await peopled();
  const all = await made(it.admin, {});
  const narrow = await made(it.admin, { scopes: ['invoices:read'] });
  it.pass(QUARTER);
  return { ...it, all, narrow };
}

describe('after 15 minutes, a session needs the password', () => {
  test.each([
    ['to create a key that holds everything', 'POST', () => '/auth/keys', { scopes: ['*'] }],
    ['also when the scopes are left out', 'POST', () => '/auth/keys', {}],
    ['also without a body', 'POST', () => '/auth/keys', undefined],
    ['to create a key that manages keys', 'POST', () => '/auth/keys', { scopes: ['keys:write'] }],
    ['also with a wildcard', 'POST', () => '/auth/keys', { scopes: ['invoices:read', 'keys:*'] }],
    ['to create a key that reads the audit log', 'POST', () => '/auth/keys', { scopes: ['audit:*'] }],
    ['to create a key that lifts the lockout', 'POST', () => '/auth/keys', { scopes: ['lockouts:write'] }],
    ['to create a key that manages ProxyOS keys', 'POST', () => '/auth/keys', { scopes: ['proxyos:admin'] }],
    ['to rotate it', 'POST', ({ all }: { all: Made }) => `/auth/keys/${all.id}/rotate`, {}],
  ] as const)('%s', async (_, method, pathOf, body) => {
    const it = await longSignedIn();
    const path = pathOf(it);
    expect(await it.admin(method, path, body)).toMatchObject(old);
    const wrong = await it.admin(method, path, { ...body, password: 'not the right password' });
    expect(wrong).toMatchObject({ status: 401, json: { code: 'invalid_sign_in' } });
    expect(await it.admin(method, path, { ...body, password })).toMatchObject({ status: 201 });
    // The password counts for its request alone.
    expect(await it.admin('POST', '/auth/keys', {})).toMatchObject(old);
  });

  test('to activate it again, and not to deactivate or delete it', async () => {
    const { admin, all } = await longSignedIn();
    const path = `/auth/keys/${all.id}`;
    expect(await admin('POST', `${path}/deactivate`)).toMatchObject({ status: 200 });
    expect(await admin('POST', `${path}/activate`)).toMatchObject(old);
    expect(await admin('POST', `${path}/activate`, { password })).toMatchObject({
      status: 200,
      json: { is_active: true },
    });
    expect(await admin('DELETE', path)).toMatchObject({ status: 204 });
  });

  test('to widen a key, and not to name or narrow it', async () => {
    const { admin, all, narrow } = await longSignedIn();
    const path = `/auth/keys/${narrow.id}`;
    expect(await admin('PATCH', path, { scopes: ['*'] })).toMatchObject(old);
    expect(await admin('PATCH', path, { scopes: ['*'], password })).toMatchObject({
      status: 200,
      json: { scopes: ['*'] },
    });
    const ofAll = `/auth/keys/${all.id}`;
    expect(await admin('PATCH', ofAll, { label: 'named', expires_in: '90d' })).toMatchObject({ status: 200 });
    expect(await admin('PATCH', ofAll, { expires_at: null })).toMatchObject(old);
    expect(await admin('PATCH', ofAll, { password })).toMatchObject({ status: 400 });
  });
});

test('other keys need no password', async () => {
  const { admin, narrow } = await longSignedIn();
  const scopes = ['invoices:*', 'keys:read', 'keys:verify', 'usage:read', 'metrics:read', 'gateway:use'];
  expect((await made(admin, { scopes })).id).toBeGreaterThan(narrow.id);
  expect(await admin('POST', `/auth/keys/${narrow.id}/rotate`)).toMatchObject({ status: 201 });
});

test('a key needs no password, because it presents its secret with each request', async () => {
  const { call, all } = await longSignedIn();
  expect(await call('POST', '/auth/keys', {})).toMatchObject({ status: 201 });
  expect(await call('POST', `/auth/keys/${all.id}/rotate`)).toMatchObject({ status: 201 });
});

test('at the ProxyOS API, a key with the scope admin needs a recent sign-in', async () => {
  const it = await peopled();
  const { client } = await signedIn(it, email, password);
  await client.apiKeys.create.mutate({ name: 'fresh', scopes: ['admin'] });
  it.pass(QUARTER);
  expect(await failureOf(client.apiKeys.create.mutate({ name: 'old', scopes: ['admin'] }))).toMatchObject({
    status: 403,
    code: 'FORBIDDEN',
  });
  const { key } = await client.apiKeys.create.mutate({ name: 'old', scopes: ['health:read'] });
  expect(await proxyosClient(it.origin, { key }).client.publicApi.health.query()).toEqual({ status: 'ok' });
});

test('at the ProxyHat API, a new secret of such a key needs a recent sign-in', async () => {
  const it = await peopled();
  const all = await made(it.admin, {});
  const narrow = await made(it.admin, { scopes: [] });
  const { json } = await clientOf(it.send)('POST', 'auth/login', { email, password });
  const client = clientOf(it.send, json.access_token);
  it.pass(QUARTER);
  expect(await client('POST', `profile/api-keys/${all.id}/regenerate`)).toMatchObject({ status: 403 });
  expect(await client('POST', `profile/api-keys/${narrow.id}/regenerate`)).toMatchObject({ status: 200 });
  expect(await it.send({ path: '/auth/keys', key: all.raw_key })).toMatchObject({ status: 200 });
});

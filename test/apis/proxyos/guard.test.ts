import { initTRPC } from '@trpc/server';
import { beforeEach, expect, test } from 'vitest';
import { type ProxyosParts, proxyosRouter } from '../../../src/apis/proxyos/proxyos-api.ts';
import type { TrpcMeta } from '../../../src/apis/proxyos/trpc.ts';
import { assertProcedures } from '../../../src/apis/proxyos/trpc-route.ts';
import type { Json } from '../../support/http.ts';
import { FIRST_KEY } from '../../support/keyhearth.ts';
import { operated } from '../../support/keys.ts';
import { administered, PASSWORD, signedIn } from '../../support/proxyos.ts';

/** Everything is guarded unless it says otherwise: who may call which procedure. */

const ID = '8b1a9953-c461-4a0c-8f5a-0c1b1f9c1f5e';

/** Each procedure, its need, an input, and who gets past the guard. */
const all: [string, string, TrpcMeta['needs'], object | undefined, string][] = [
  ['apiKeys.list', 'GET', 'key admin', undefined, '* admin-key admin'],
  ['apiKeys.create', 'POST', 'key admin', { name: 'ci', scopes: ['read'] }, '* admin-key admin'],
  ['apiKeys.revoke', 'POST', 'key admin', { id: '99' }, '* admin-key admin'],
  ['users.login', 'POST', 'nobody', { email: 'nobody@example.com', password: PASSWORD }, ''],
  ['users.logout', 'POST', 'person before 2FA', undefined, 'admin viewer'],
  ['users.getProfile', 'GET', 'credential before 2FA', { id: ID }, '* admin'],
  ['users.list', 'GET', 'admin', undefined, '* admin'],
  ['users.create', 'POST', 'admin', { email: 'x@example.com', password: 'short', role: 'viewer' }, '* admin'],
  ['users.updateRole', 'POST', 'admin', { id: ID, role: 'viewer' }, '* admin'],
  ['users.delete', 'POST', 'admin', { id: ID }, '* admin'],
  ['users.setupTotp', 'POST', 'person before 2FA', { userId: ID }, 'admin viewer'],
  [
    'users.verifyAndEnableTotp',
    'POST',
    'person before 2FA',
    { userId: ID, secret: 'A', code: '1' },
    'admin viewer',
  ],
  ['users.disableTotp', 'POST', 'person', { userId: ID, password: '', code: '1' }, 'admin viewer'],
  ['publicApi.health', 'GET', { scope: 'health:read' }, undefined, '* admin-key health admin viewer'],
  ['routes.list', 'GET', { scope: 'routes:read' }, undefined, '* admin-key admin viewer'],
];

test('every procedure says what it needs, and the list above has them all', () => {
  const { procedures } = proxyosRouter({} as ProxyosParts)._def;
  const found = Object.entries<{ _def: { meta?: unknown } }>(procedures as Json).map(([path, { _def }]) => [
    path,
    (_def.meta as TrpcMeta | undefined)?.needs,
  ]);
  expect(found.toSorted()).toEqual(all.map(([path, , needs]) => [path, needs]).toSorted());
});

test('a procedure that says nothing stops the start', () => {
  const t = initTRPC.create();
  const bare = t.router({ users: t.router({ leak: t.procedure.query(() => 'secret') }) });
  expect(() => assertProcedures(bare)).toThrow('users.leak does not say what it needs');
});

let service: Awaited<ReturnType<typeof operated>>;
beforeEach(async () => {
  service = await operated({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
});

test('who gets past the guard of each procedure', async () => {
  const admin = await administered(service, FIRST_KEY);
  const email = 'viewer@example.com';
  await admin.client.users.create.mutate({ email, password: PASSWORD, role: 'viewer' });
  const bearer = async (...scopes: string[]) => ({
    Authorization: `Bearer ${(await service.made({ scopes })).raw_key}`,
  });
  const others: Record<string, () => Promise<Record<string, string>>> = {
    none: async () => ({}),
    wrong: async () => ({ Authorization: 'Bearer wrong-key-0123456789-0123456789-0123' }),
    'dead session': async () => ({ Cookie: `proxyos_token=khs_${'0'.repeat(61)}` }),
    '*': () => bearer('*'),
    'admin-key': () => bearer('proxyos:admin'),
    health: () => bearer('proxyos:health:read'),
    core: () => bearer('keys:*', 'audit:read', 'usage:read'),
    admin: async () => ({ Cookie: (await signedIn(service, 'admin@example.com')).jar.cookie ?? '' }),
    viewer: async () => ({ Cookie: (await signedIn(service, email)).jar.cookie ?? '' }),
  };
  const refusals = ['Not authenticated', 'Invalid or expired API key', 'Admin role required'];
  for (const [path, method, , input, allowed] of all) {
    const passed: string[] = [];
    for (const [who, headers] of Object.entries(others)) {
      const query = method === 'GET' && input ? `?input=${encodeURIComponent(JSON.stringify(input))}` : '';
      const { json } = await service.send({
        method,
        path: `/api/trpc/${path}${query}`,
        headers: await headers(),
        ...(method === 'POST' && input && { body: input }),
      });
      const message: string = json.error?.json.message ?? '';
      const isRefused =
        refusals.includes(message) ||
        message.startsWith('API token missing scope') ||
        message.startsWith('This request needs the session');
      if (!isRefused) passed.push(who);
    }
    const expected = path === 'users.login' ? Object.keys(others) : allowed.split(' ');
    expect({ path, passed }).toEqual({ path, passed: expected });
  }
});

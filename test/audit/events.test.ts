import { describe, expect, test } from 'vitest';
import document from '../../openapi/openapi.json' with { type: 'json' };
import { codeAt } from '../support/codes.ts';
import { fakeClock } from '../support/fake-clock.ts';
import type { Send } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, service, sqlIn } from '../support/keyhearth.ts';
import { CHEAP } from '../support/keys.ts';
import { ADMIN, cookiesOf } from '../support/people.ts';

/** The events of some tests are of 1970. */
const forEver = { env: { KEYHEARTH_AUDIT_DAYS: '0' } };

const manage = (send: Send) => ({
  call: (method: string, path: string, body?: object, key = FIRST_KEY) =>
    send({ method, path, key, ...(body && { body }) }),
  events: async (query = '') => (await send({ path: `/auth/audit${query}`, key: FIRST_KEY })).json.events,
});

describe('GET /auth/audit', () => {
  test('says who changed what, the newest first', async () => {
    const { send } = await bootstrapped();
    const { call, events } = manage(send);
    const { json: made } = await call('POST', '/auth/keys', { label: 'one', scopes: ['a:b'] });
    const patch = await call('PATCH', `/auth/keys/${made.id}`, { label: 'two' });
    const [updated, created, registered, ...rest] = await events();
    expect(rest).toEqual([]);
    expect(updated).toEqual({
      id: 3,
      account_id: null,
      at: expect.any(Number),
      action: 'key.updated',
      actor: { kind: 'key', id: 1, hint: FIRST_KEY.slice(0, 12), label: 'first' },
      address: '127.0.0.1',
      key_id: made.id,
      changes: { label: { from: 'one', to: 'two' } },
      request_id: patch.headers['x-request-id'],
    });
    expect(Math.abs(updated.at - Date.now() / 1_000)).toBeLessThan(60);
    expect(created).toMatchObject({
      action: 'key.created',
      changes: { label: { from: null, to: 'one' }, scopes: { from: null, to: ['a:b'] } },
    });
    expect(registered).toMatchObject({
      action: 'key.registered',
      key_id: 1,
      actor: { kind: 'bootstrap', id: null, hint: null, label: null },
    });
  });

  test('keeps the names that the actor had', async () => {
    const { send } = await bootstrapped();
    const { call, events } = manage(send);
    const { json: other } = await call('POST', '/auth/keys', { label: 'before' });
    await call('POST', '/auth/keys', {}, other.raw_key);
    await call('PATCH', `/auth/keys/${other.id}`, { label: 'after' });
    await call('POST', '/auth/keys', {}, other.raw_key);
    await call('DELETE', `/auth/keys/${other.id}`);
    const made = await events(`?actor=${other.id}`);
    expect(made.map(({ actor }: { actor: object }) => actor)).toEqual([
      { kind: 'key', id: other.id, hint: other.hint, label: 'after' },
      { kind: 'key', id: other.id, hint: other.hint, label: 'before' },
    ]);
    expect((await events('?action=key.deleted'))[0]).toMatchObject({
      key_id: other.id,
      changes: { label: { from: 'after', to: null } },
    });
  });

  test('finds by key, actor, action and time, and by all of them', async () => {
    const { send, dataDir } = await bootstrapped(forEver);
    const { call, events } = manage(send);
    const { json: other } = await call('POST', '/auth/keys', {});
    for (let i = 0; i < 3; i++) {
      const { json } = await call('POST', '/auth/keys', {}, i === 1 ? other.raw_key : FIRST_KEY);
      await call('PATCH', `/auth/keys/${json.id}`, { label: `${i}` });
    }
    await sqlIn(dataDir, 'update audit_events set at = 1000 * id');
    const ids = async (query: string) => (await events(query)).map(({ id }: { id: number }) => id);
    expect(await ids('')).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await ids('?key_id=3')).toEqual([4, 3]);
    expect(await ids('?actor=2')).toEqual([5]);
    expect(await ids('?action=key.updated')).toEqual([8, 6, 4]);
    expect(await ids('?action=key.updated&key_id=3')).toEqual([4]);
    expect(await ids('?action=key.created&actor=1')).toEqual([7, 3, 2]);
    expect(await ids('?action=key.created&actor=1&key_id=5')).toEqual([7]);
    expect(await ids('?action=key.deleted&actor=1')).toEqual([]);
    expect(await ids('?from=3&to=6')).toEqual([5, 4, 3]);
    expect(await ids('?from=1970-01-01T00:00:03Z&to=1970-01-01T02:00:06%2B02:00')).toEqual([5, 4, 3]);
    expect(await ids('?from=1970-01-01T02:00:07.5+02:00')).toEqual([8]);
    expect(await ids('?from=4&action=key.created&actor=1')).toEqual([7]);
    expect(await ids('?to=4&action=key.created&actor=1')).toEqual([3, 2]);
  });

  test.each(['', 'actor=1&', 'actor=1&action=key.created&'])(
    'pages of %j stay while events arrive',
    async (filter) => {
      const { send, dataDir } = await bootstrapped(forEver);
      const { call } = manage(send);
      const { json: other } = await call('POST', '/auth/keys', {});
      for (let i = 0; i < 5; i++) await call('POST', '/auth/keys', {});
      // Several in one millisecond.
      await sqlIn(dataDir, 'update audit_events set at = 1000 * (id / 3)');
      const seen: number[] = [];
      let cursor = '';
      for (;;) {
        const { json } = await send({ path: `/auth/audit?${filter}limit=2${cursor}`, key: FIRST_KEY });
        seen.push(...json.events.map(({ id }: { id: number }) => id));
        if (json.next_cursor === undefined) break;
        cursor = `&cursor=${json.next_cursor}`;
        await call('PATCH', `/auth/keys/${other.id}`, { label: `${seen.length}` });
      }
      expect(seen).toEqual(filter === '' ? [7, 6, 5, 4, 3, 2, 1] : [7, 6, 5, 4, 3, 2]);
    },
  );

  test('finds what is behind many events that do not match', async () => {
    const { send, dataDir } = await bootstrapped();
    const { call } = manage(send);
    await call('POST', '/auth/keys', {});
    const columns = 'at, action, actor_kind, actor_id, key_id, changes';
    await sqlIn(
      dataDir,
      `insert into audit_events (${columns}) with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
       select 2000000000000 + i, 'key.updated', 'key', 1, 2, '{}' from n`,
    );
    const { events } = manage(send);
    expect(await events('?actor=1&action=key.created')).toMatchObject([{ id: 2 }]);
    expect(await events('?key_id=2&actor=1&action=key.created')).toMatchObject([{ id: 2 }]);
    const { json } = await send({
      path: '/auth/audit?key_id=2&action=key.updated&limit=1000',
      key: FIRST_KEY,
    });
    expect(json.events).toHaveLength(1_000);
    expect(json.events[999].id).toBe(4_003);
  });

  const invalid = [
    ['limit', 'limit=0'],
    ['limit', 'limit=1001'],
    ['limit', 'limit=1&limit=2'],
    ['cursor', 'cursor=12'],
    ['cursor', 'cursor=a-b'],
    ['key_id', 'key_id=0'],
    ['key_id', 'key_id=kh_1'],
    ['actor', 'actor=-1'],
    ['action', 'action=key.exploded'],
    ['action', 'action='],
    ['from', 'from=yesterday'],
    ['from', 'from=2030-13-01T00:00:00Z'],
    ['to', 'to=-1'],
    ['to', 'from=10&to=10'],
    ['format', 'format=xml'],
    ['limit', 'format=ndjson&limit=10'],
    ['cursor', 'format=ndjson&cursor=1-1'],
    ['colour', 'colour=red'],
  ];

  test('names the parameter that is invalid', async () => {
    const { send } = await bootstrapped();
    for (const [field = '', query] of invalid) {
      const answer = await send({ path: `/auth/audit?${query}`, key: FIRST_KEY });
      expect(answer.status, query).toBe(400);
      expect(answer.json.errors[0].path, query).toBe(field);
      expect(answer.json.detail).toContain(field);
    }
  });

  test('needs its scope', async () => {
    const { send } = await bootstrapped();
    const { call } = manage(send);
    const { json: without } = await call('POST', '/auth/keys', { scopes: ['keys:read', 'keys:write'] });
    const { json: reader } = await call('POST', '/auth/keys', { scopes: ['audit:read'] });
    expect((await send({ path: '/auth/audit', key: without.raw_key })).status).toBe(403);
    expect((await send({ path: '/auth/audit?format=ndjson', key: without.raw_key })).status).toBe(403);
    expect((await send({ path: '/auth/audit', key: reader.raw_key })).status).toBe(200);
  });
});

describe('an event and its change', () => {
  const changes = (send: Send) => {
    const { call } = manage(send);
    return {
      'key.created': () => call('POST', '/auth/keys', { label: 'new' }),
      'key.updated': () => call('PATCH', '/auth/keys/2', { label: 'changed' }),
      'key.rotated': () => call('POST', '/auth/keys/2/rotate', { grace: '1h' }),
      'key.deactivated': () => call('POST', '/auth/keys/2/deactivate'),
      'key.activated': () => call('POST', '/auth/keys/3/activate'),
      'key.deleted': () => call('DELETE', '/auth/keys/2'),
      'lockout.cleared': () => call('DELETE', '/auth/lockouts/198.51.100.7'),
    };
  };
  const names = ['key.created', 'key.updated', 'key.deactivated', 'key.activated', 'key.rotated'] as const;

  async function prepared() {
    const running = await bootstrapped();
    const { call } = manage(running.send);
    for (let i = 0; i < 2; i++) await call('POST', '/auth/keys', { label: 'old' });
    await call('POST', '/auth/keys/3/deactivate');
    // A failed attempt, so that there is something to clear.
    await call('POST', '/auth/verify', { key: 'unknown', ip: '198.51.100.7' });
    const state = () => sqlIn(running.dataDir, 'select * from api_keys order by id');
    return { ...running, call, state };
  }

  test.each([...names, 'key.deleted', 'lockout.cleared'] as const)(
    '%s is not done when it cannot be recorded',
    async (name) => {
      const { send, dataDir, state } = await prepared();
      const before = await state();
      await sqlIn(dataDir, 'alter table audit_events rename to kept_events');
      expect((await changes(send)[name]()).status).toBeGreaterThanOrEqual(500);
      expect(await state()).toEqual(before);
      await sqlIn(dataDir, 'alter table kept_events rename to audit_events');
      expect((await changes(send)[name]()).status).toBeLessThan(300);
      const { events } = manage(send);
      expect((await events())[name === 'key.rotated' ? 1 : 0]).toMatchObject({
        action: name,
        actor: { id: 1 },
      });
    },
  );

  test('what changes nothing, or is refused, records nothing', async () => {
    const { call, send } = await prepared();
    const { events } = manage(send);
    const before = await events();
    const { json: weak } = await call('POST', '/auth/keys', { scopes: ['keys:write'] });
    const refused = [
      await call('PATCH', '/auth/keys/2', { label: 'old' }),
      await call('POST', '/auth/keys/2/activate'),
      await call('POST', '/auth/keys/3/deactivate'),
      await call('DELETE', '/auth/keys/99'),
      await call('DELETE', '/auth/keys/1', undefined, weak.raw_key),
      await call('POST', '/auth/keys', { scopes: ['*'] }, weak.raw_key),
      await call('POST', '/auth/keys', { scopes: ['A B'] }),
      await call('POST', '/auth/keys/3/rotate'),
    ];
    expect(refused.map(({ status }) => status)).toEqual([200, 200, 200, 404, 403, 403, 400, 409]);
    await call('DELETE', `/auth/keys/2`);
    expect((await call('DELETE', '/auth/keys/1')).status).toBe(409);
    expect(await events()).toHaveLength(before.length + 2);
  });

  test('never holds a secret, whatever route makes the change', async () => {
    const { send, dataDir } = await prepared();
    const { openApi, used, call } = spyOn(send);
    const secrets = new Set([FIRST_KEY, `${FIRST_KEY}-wrong`, `${FIRST_KEY}-second`]);
    async function keep(rawKey?: string) {
      if (rawKey) secrets.add(rawKey);
      for (const { fingerprint, hash } of await sqlIn(dataDir, 'select fingerprint, hash from api_keys'))
        secrets.add(String(fingerprint)).add(String(hash));
    }
    for (const change of Object.values(changes(call))) {
      await keep();
      const { status, json } = await change();
      expect(status).toBeLessThan(300);
      await keep(json?.raw_key);
    }
    const { json: self } = await call({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
    await keep(self.raw_key);
    const { json: next } = await call({ method: 'POST', path: '/auth/self/rotate', key: self.raw_key });
    await keep(next.raw_key);
    await call({ method: 'POST', path: '/auth/verify', key: FIRST_KEY, body: { key: self.raw_key } });
    await call({ method: 'DELETE', path: '/auth/self', key: next.raw_key });
    await call({ method: 'POST', path: '/auth/register-key', body: { api_key: `${FIRST_KEY}-second` } });
    for (let i = 0; i < 5; i++) await call({ path: '/auth/keys', key: `${FIRST_KEY}-wrong` });
    await keep();
    const text = JSON.stringify(await sqlIn(dataDir, 'select * from audit_events'));
    expect(secrets.size).toBeGreaterThan(15);
    for (const secret of secrets) expect(text).not.toContain(secret);
    const isTried = (operation: string) =>
      used.has(operation) || TRIED_BY_PEOPLE.includes(operation) || TRIED_AT_GATEWAY.includes(operation);
    const changing = openApi.filter(
      (operation) => / \/auth\//.test(operation) && !operation.startsWith('GET'),
    );
    expect(changing.filter((operation) => !isTried(operation))).toEqual([]);
  });

  test('never holds a secret of a person', async () => {
    const { dataDir, send, clock } = await started();
    const { used, call } = spyOn(send);
    const secrets = new Set([ADMIN.password, OTHER_PASSWORD, 'not the right password']);
    const post = (path: string, body?: object, cookie = '', method = 'POST') =>
      call({ method, path, headers: { Cookie: cookie }, ...(body && { body }) });
    async function entering(path: string, body: object): Promise<string> {
      const answer = await post(path, body);
      expect(answer.status, answer.text).toBeLessThan(300);
      if (answer.json.raw_key) secrets.add(answer.json.raw_key);
      const cookie = cookiesOf(answer);
      secrets.add(cookie.split('=')[1] ?? '');
      return cookie;
    }
    const admin = await entering('/auth/setup', ADMIN);
    await post('/auth/login', { ...ADMIN, password: 'not the right password' });
    await post('/auth/logout', undefined, await entering('/auth/login', ADMIN));
    await entering('/auth/login', ADMIN);
    expect((await post('/auth/sessions/3', undefined, admin, 'DELETE')).status).toBe(204);
    for (const email of ['one@example.com', 'two@example.com'])
      secrets.add((await post('/auth/invitations', { email }, admin)).json.token);
    expect((await post('/auth/invitations/1', undefined, admin, 'DELETE')).status).toBe(204);
    const token = [...secrets].findLast((secret) => secret.startsWith('khi_'));
    const member = await entering('/auth/accept-invitation', { token, password: OTHER_PASSWORD });
    const { id } = (await call({ path: '/auth/self', headers: { Cookie: member } })).json;
    const { json: begun } = await post('/auth/self/two-factor', undefined, member);
    for (const secret of [begun.secret, ...begun.recovery_codes]) secrets.add(secret);
    const code = codeAt(begun.secret, clock.now());
    expect((await post('/auth/self/two-factor/confirm', { code }, member)).status).toBe(204);
    await post('/auth/self/two-factor/disable', { code }, member);
    const changed = { current_password: OTHER_PASSWORD, password: ADMIN.password };
    expect((await post('/auth/self/password', changed, member)).status).toBe(204);
    const path = `/auth/accounts/${id}`;
    expect((await post(path, { scopes: ['invoices:read'] }, admin, 'PATCH')).status).toBe(200);
    expect((await post(`${path}/approve`, undefined, admin)).status).toBe(200);
    expect((await post(`${path}/two-factor`, undefined, admin, 'DELETE')).status).toBe(204);
    for (const { password_hash } of await sqlIn(dataDir, 'select password_hash from accounts'))
      secrets.add(String(password_hash));
    expect((await post(`${path}?keys=delete`, undefined, admin, 'DELETE')).status).toBe(204);
    const text = JSON.stringify(await sqlIn(dataDir, 'select * from audit_events'));
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(secrets.size).toBeGreaterThan(18);
    expect([...used].filter((operation) => !operation.startsWith('GET')).sort()).toEqual(TRIED_BY_PEOPLE);
  });
});

const OTHER_PASSWORD = 'purple monkey dishwasher';

/** Changes that need a gateway. `test/apis/core/gateway.test.ts` makes them, and searches their events for secrets. */
const TRIED_AT_GATEWAY = ['POST /auth/gateway/oauth/{provider}', 'DELETE /auth/gateway/sessions/{id}'];

/** The routes with which people sign in, and change accounts. */
const TRIED_BY_PEOPLE = [
  'DELETE /auth/accounts/{id}',
  'DELETE /auth/accounts/{id}/two-factor',
  'DELETE /auth/invitations/{id}',
  'DELETE /auth/sessions/{id}',
  'PATCH /auth/accounts/{id}',
  'POST /auth/accept-invitation',
  'POST /auth/accounts/{id}/approve',
  'POST /auth/invitations',
  'POST /auth/login',
  'POST /auth/logout',
  'POST /auth/self/password',
  'POST /auth/self/two-factor',
  'POST /auth/self/two-factor/confirm',
  'POST /auth/self/two-factor/disable',
  'POST /auth/setup',
];

async function started() {
  const { clock } = fakeClock();
  return { clock, ...(await service({ clock, config: CHEAP })) };
}

/** Notes the operations of the OpenAPI document that are called. */
function spyOn(send: Send) {
  const openApi = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const used = new Set<string>();
  const call: Send = (sent) => {
    const { method = 'GET', path } = typeof sent === 'string' ? { path: sent } : sent;
    const operation = `${method} ${path.replace(/\?.*/, '')}`;
    for (const each of openApi)
      if (new RegExp(`^${each.replaceAll(/{\w+}/g, '[^/]+')}$`).test(operation)) used.add(each);
    return send(sent);
  };
  return { openApi, used, call };
}

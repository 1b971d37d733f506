import { expect, test } from 'vitest';
import { OWN_SCOPES } from '../../src/keys/scopes.ts';
import type { Answer, Json } from '../support/http.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, cookiesOf, peopled } from '../support/people.ts';

/**
 * Every route of the core API with the credentials of people, against test/golden/what-people-may-do.txt. A change of who
 * may do what, and every new route, needs a change of that file:
 * `npx vitest run --project service test/apis/what-people-may-do.test.ts -u`
 */
const GOLDEN = '../golden/what-people-may-do.txt';

/** The bodies of the routes whose example does not fit. */
const BODIES: Record<string, object> = {
  'POST /auth/keys': { scopes: [] },
  'PATCH /auth/keys/{id}': { label: 'changed' },
  'POST /auth/keys/{id}/rotate': {},
  'POST /auth/self/rotate': {},
  'PATCH /auth/accounts/{id}': { role: 'member', scopes: ['invoices:read'] },
  // Without the password, so that the time of the sign-in counts.
  'DELETE /auth/accounts/{id}': {},
  'DELETE /auth/accounts/{id}/two-factor': {},
  'POST /auth/accounts/{id}/approve': {},
  'POST /auth/invitations': { email: 'new@example.com', role: 'member' },
  'POST /auth/self/two-factor': {},
  'POST /auth/self/password': { current_password: ADMIN.password, password: 'another horse battery staple' },
};

type Credential = Readonly<{ headers: Record<string, string>; account: string | undefined }>;
type World = Awaited<ReturnType<typeof world>>;

const GRANTED = OWN_SCOPES.filter((scope) => scope !== 'gateway:use').join(' ');

/** A service with people of each kind. */
async function world() {
  const it = await peopled({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_REGISTRATION: 'open' } });
  const { dataDir, send, add } = it;
  let made = 0;
  const sql = (statement: string) => sqlIn(dataDir, statement);

  /** A new person, with the password of the first admin. */
  async function person(kind: 'admin' | 'member' | 'pending', scopes = ''): Promise<string> {
    const id = await add(`person-${made++}@example.com`, kind === 'admin' ? 'admin' : 'member');
    await sql(
      `update accounts set scopes = '${scopes}', is_approved = ${kind === 'pending' ? 0 : 1} where id = '${id}'`,
    );
    return id;
  }

  async function session(account: string): Promise<Credential> {
    const [row] = await sql(`select email from accounts where id = '${account}'`);
    const body = { email: row?.email, password: ADMIN.password };
    const answer = await send({ method: 'POST', path: '/auth/login', body });
    expect(answer).toMatchObject({ status: 200 });
    return { headers: { Cookie: cookiesOf(answer) }, account };
  }

  /** A key that the person made. */
  async function key(account: string, body: object): Promise<{ id: number; raw: string }> {
    const { headers } = await session(account);
    const answer = await send({ method: 'POST', path: '/auth/keys', headers, body });
    expect(answer, answer.text).toMatchObject({ status: 201 });
    return { id: answer.json.id, raw: answer.json.raw_key };
  }

  const keyOf = async (account: string, body: object): Promise<Credential> => ({
    headers: { 'X-API-Key': (await key(account, body)).raw },
    account,
  });

  return { ...it, sql, person, session, key, keyOf };
}

/** Each way to act, made fresh for each request that may change something. */
const credentials: Record<string, (it: World) => Promise<Credential>> = {
  admin: async (it) => it.session(await it.person('admin')),
  'admin, old': async (it) => {
    const credential = await it.session(await it.person('admin'));
    await it.sql(`update sessions set signed_in_at = 0 where account_id = '${credential.account}'`);
    return credential;
  },
  'other site': async (it) => {
    const { headers, account } = await it.session(await it.person('admin'));
    return { headers: { ...headers, Origin: 'https://evil.example' }, account };
  },
  member: async (it) => it.session(await it.person('member')),
  granted: async (it) => it.session(await it.person('member', GRANTED)),
  pending: async (it) => it.session(await it.person('pending', GRANTED)),
  ended: async (it) => {
    const credential = await it.session(await it.person('admin'));
    await it.sql(`delete from sessions where account_id = '${credential.account}'`);
    return credential;
  },
  'admin key': async (it) => it.keyOf(await it.person('admin'), {}),
  'member key': async (it) => it.keyOf(await it.person('member'), {}),
  'granted key': async (it) => it.keyOf(await it.person('member', GRANTED), {}),
  'pending key': async (it) => it.keyOf(await it.person('pending'), { scopes: [] }),
  'demoted key': async (it) => {
    const account = await it.person('admin');
    const credential = await it.keyOf(account, {});
    const answer = await it.call('PATCH', `/auth/accounts/${account}`, { role: 'member', scopes: [] });
    expect(answer, answer.text).toMatchObject({ status: 200 });
    return credential;
  },
  'access token': async (it) => {
    const account = await it.person('member');
    const [row] = await it.sql(`select email from accounts where id = '${account}'`);
    const body = { email: row?.email, password: ADMIN.password };
    const answer = await it.send({ method: 'POST', path: '/v1/auth/login', body });
    expect(answer, answer.text).toMatchObject({ status: 200 });
    return { headers: { Authorization: `Bearer ${answer.json.access_token}` }, account };
  },
};

type Route = { name: string; method: string; path: string; body: object | undefined };

async function routesOf({ send }: World): Promise<Route[]> {
  const { json } = await send('/openapi.json');
  return Object.entries<Json>(json.paths)
    .filter(([path]) => path.startsWith('/auth/'))
    .flatMap(([path, methods]) =>
      Object.entries<Json>(methods)
        .filter(([, { security }]) => security.length > 0)
        .map(([verb, { requestBody }]) => {
          const method = verb.toUpperCase();
          const name = `${method} ${path}`;
          return { name, method, path, body: BODIES[name] ?? exampleOf(json, requestBody) };
        }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function exampleOf(document: Json, requestBody: Json): object | undefined {
  const schema = requestBody?.content['application/json'].schema;
  return schema && (filled(document, schema) as object);
}

function filled(document: Json, { $ref, example, properties, items }: Json): unknown {
  if ($ref !== undefined) return filled(document, document.components.schemas[$ref.split('/').at(-1)]);
  if (example !== undefined) return example;
  if (items) return [filled(document, items)];
  return Object.fromEntries(
    Object.entries<Json>(properties ?? {}).map(([name, value]) => [name, filled(document, value)]),
  );
}

/** Whose thing the path of a request names. */
type Whose = 'own' | 'of others';

/** The path with the id of a thing that nobody has changed yet. */
async function targetOf(
  it: World,
  { method, path }: Route,
  whose: Whose,
  { account }: Credential,
): Promise<string> {
  if (!path.includes('{')) return path;
  const owner =
    whose === 'own' && account !== undefined
      ? account
      : await it.person(path.endsWith('/approve') ? 'pending' : 'member');
  const query = path === '/auth/accounts/{id}' && method === 'DELETE' ? '?keys=delete' : '';
  const named = path.replace('{address}', '192.0.2.1').replace('{provider}', 'anthropic');
  return named.replace('{id}', await idOf(it, path, owner)) + query;
}

async function idOf(it: World, path: string, owner: string): Promise<string> {
  if (path.startsWith('/auth/keys/')) return String((await it.key(owner, { scopes: [] })).id);
  if (path.startsWith('/auth/sessions/')) {
    const { headers } = await it.session(owner);
    const { json } = await it.send({ path: '/auth/sessions', headers });
    return String(json.sessions[0].id);
  }
  if (path.startsWith('/auth/invitations/')) {
    const email = `${crypto.randomUUID()}@example.com`;
    const { json } = await it.admin('POST', '/auth/invitations', { email, role: 'member' });
    return String(json.id);
  }
  return owner;
}

async function ask(it: World, route: Route, whose: Whose, credential: Credential): Promise<Answer> {
  const { method, body } = route;
  const path = await targetOf(it, route, whose, credential);
  return it.send({ method, path, headers: credential.headers, ...(body && { body }) });
}

const names = Object.keys(credentials);
const row = (cells: readonly string[]) =>
  cells
    .map((text, i) => text.padEnd(i === 0 ? 46 : Math.max(5, (names[i - 1] ?? '').length + 2)))
    .join('')
    .trimEnd();

test('what people may do, and what their keys may do', async () => {
  const it = await world();
  const text = [
    'The status of the answer to each route, by the credential of a person. "granted": a member with all scopes of',
    'Keyhearth but gateway:use. "old": the sign-in is more than 15 minutes old. "demoted key": a key that an admin made,',
    'who is a member now. Written by `npx vitest run --project service test/apis/what-people-may-do.test.ts -u`.',
  ];
  const readers = new Map<string, Credential>();
  for (const whose of ['own', 'of others'] as const) {
    text.push('', row([whose === 'own' ? 'What is their own' : 'What is of others', ...names]));
    for (const route of await routesOf(it)) {
      if (whose === 'of others' && !route.path.includes('{id}')) continue;
      const cells: string[] = [];
      for (const [name, make] of Object.entries(credentials)) {
        const credential = route.method === 'GET' ? (readers.get(name) ?? (await make(it))) : await make(it);
        if (route.method === 'GET') readers.set(name, credential);
        const answer = await ask(it, route, whose, credential);
        expect(answer.status, `${route.name}: ${answer.text}`).not.toBe(500);
        cells.push(String(answer.status));
      }
      text.push(row([route.name, ...cells]));
    }
  }
  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(GOLDEN);
});

test('a member neither sees nor changes anything of another', async () => {
  const it = await world();
  const member = await it.session(await it.person('member', GRANTED));
  const key = await it.keyOf(member.account ?? '', {});
  const other = await it.person('member');
  const { email } = (await it.sql(`select email from accounts where id = '${other}'`))[0] ?? {};
  const { id } = await it.key(other, { scopes: [], label: 'the key of another' });
  const { headers } = await it.session(other);
  const sessionId = (await it.send({ path: '/auth/sessions', headers })).json.sessions[0].id;
  const state = async () => [
    await it.sql(`select * from accounts where id = '${other}'`),
    await it.sql(`select * from sessions where account_id = '${other}' order by id`),
    await it.sql(
      `select label, scopes, is_active, hash from api_keys where account_id = '${other}' order by id`,
    ),
  ];
  const before = await state();
  for (const { headers: credential } of [member, key]) {
    for (const { method, path, body, name } of await routesOf(it)) {
      // These are about the person who asks.
      if (path.startsWith('/auth/self')) continue;
      const target = path
        .replace('/auth/accounts/{id}', `/auth/accounts/${other}`)
        .replace('/auth/sessions/{id}', `/auth/sessions/${sessionId}`)
        .replace('{id}', String(id))
        .replace('{address}', '192.0.2.1');
      const answer = await it.send({ method, path: target, headers: credential, ...(body && { body }) });
      if (path.includes('{id}')) expect([403, 404], `${name}: ${answer.text}`).toContain(answer.status);
      for (const secret of [String(email), other, 'the key of another'])
        expect(answer.text, name).not.toContain(secret);
    }
  }
  for (const query of [`key_id=${id}`, `actor=${other}`, '']) {
    const { json } = await it.send({ path: `/auth/audit?limit=1000&${query}`, headers: member.headers });
    expect(JSON.stringify(json)).not.toContain(other);
    expect(JSON.stringify(json)).not.toContain('the key of another');
  }
  expect(await state()).toEqual(before);
});

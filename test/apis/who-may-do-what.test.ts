import { afterAll, beforeAll, expect, test } from 'vitest';
import { OWN_SCOPES } from '../../src/keys/scopes.ts';
import { fakeClock } from '../support/fake-clock.ts';
import type { Json } from '../support/http.ts';
import { type Running, register, sqlIn, startService } from '../support/keyhearth.ts';
import { CHEAP, operator } from '../support/keys.ts';
import { LONG } from '../support/long.ts';

/**
 * Every route, with a key of every kind, against test/golden/who-may-do-what.txt. A change of who may do what, and every
 * new route, needs a change of that file: `npx vitest run --project service test/apis/who-may-do-what.test.ts -u`
 */
const GOLDEN = '../golden/who-may-do-what.txt';

/** The bodies of the routes that need one. The document's example is the body of a route without a row here. */
const BODIES: Record<string, object> = {
  'POST /auth/keys': {},
  'PATCH /auth/keys/{id}': { label: 'changed' },
  'POST /auth/keys/{id}/rotate': {},
  'POST /auth/self/rotate': {},
  'POST /auth/self/password': { current_password: 'the old one', password: 'correct horse battery staple' },
  'POST /auth/self/two-factor/confirm': { code: '123456' },
  'POST /auth/self/two-factor/disable': { code: '123456' },
};

const NAME_WIDTH = 42;

/** After these, the key of the request is gone. */
const ENDS_THE_KEY = ['DELETE /auth/self', 'POST /auth/self/rotate'];

const scopeSets: string[][] = [['*'], [], ...OWN_SCOPES.map((scope) => [scope]), ['keys:*'], ['invoices:*']];

const headers: ((key: string) => Record<string, string>)[] = [
  (key) => ({ 'X-Proxbox-API-Key': key }),
  (key) => ({ 'X-API-Key': key }),
  (key) => ({ Authorization: `Bearer ${key}` }),
];

const time = fakeClock();
let keyhearth: Running;
beforeAll(async () => {
  const env = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' };
  keyhearth = await startService({ clock: time.clock, config: CHEAP, env });
  await register(keyhearth.send);
});
afterAll(() => keyhearth.close());

const { made, call } = operator((sent) => keyhearth.send(sent));

/** What makes a key of each state. */
const states: Record<string, (scopes: string[]) => Promise<string>> = {
  active: async (scopes) => (await made({ scopes })).raw_key,
  inactive: async (scopes) => {
    const { id, raw_key } = await made({ scopes });
    await call('POST', `/auth/keys/${id}/deactivate`);
    return raw_key;
  },
  expired: async (scopes) => {
    const { raw_key } = await made({ scopes, expires_in: '1s' });
    time.pass(1);
    return raw_key;
  },
  'IP not allowed': async (scopes) => (await made({ scopes, allowed_ips: ['192.0.2.1'] })).raw_key,
  deleted: async (scopes) => {
    const { id, raw_key } = await made({ scopes });
    await call('DELETE', `/auth/keys/${id}`);
    return raw_key;
  },
  unknown: async () => 'an-unknown-key-0123456789-0123456789',
};

type Route = { name: string; method: string; path: string; body: object | undefined };

async function routes(): Promise<Route[]> {
  const { json } = await keyhearth.send('/openapi.json');
  return Object.entries<Json>(json.paths)
    .filter(([path]) => path.startsWith('/auth/'))
    .flatMap(([path, methods]) =>
      Object.entries<Json>(methods)
        .filter(([, { security }]) => security.length > 0)
        .map(([method, { requestBody }]) => {
          const name = `${method.toUpperCase()} ${path}`;
          return {
            name,
            method: method.toUpperCase(),
            path,
            body: BODIES[name] ?? exampleOf(json, requestBody),
          };
        }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function exampleOf(document: Json, requestBody: Json): object | undefined {
  const $ref: string | undefined = requestBody?.content['application/json'].schema.$ref;
  return $ref === undefined ? undefined : document.components.schemas[$ref.split('/').at(-1) ?? ''].example;
}

/** The status that each header gets, or the one that all three get. At less than full length, each cell tries one. */
async function cell(route: Route, place: number, makeKey: () => Promise<string>): Promise<string> {
  const statuses: number[] = [];
  let key: string | undefined;
  for (const present of LONG
    ? headers
    : headers.slice(place % headers.length, (place % headers.length) + 1)) {
    key = key === undefined || ENDS_THE_KEY.includes(route.name) ? await makeKey() : key;
    const { method, path, body } = route;
    const target = await targetOf(path);
    const answer = await keyhearth.send({
      method,
      path: target,
      headers: present(key),
      ...(body && { body }),
    });
    statuses.push(answer.status);
    // The next request gets a key that this one has not changed.
    if (answer.status < 300 && method !== 'GET') [unused, unusedAccount] = [undefined, undefined];
    expect(answer.status, answer.text).not.toBe(400);
  }
  return new Set(statuses).size === 1 ? String(statuses[0]) : statuses.join('/');
}

let unused: number | undefined;
let unusedAccount: string | undefined;

/** The path with the id of a key that nobody has changed: it holds nothing, so its own holdings never matter. */
async function targetOf(path: string): Promise<string> {
  if (!path.includes('{')) return path;
  if (path.startsWith('/auth/accounts/')) {
    unusedAccount ??= await anAccount();
    return `${path.replace('{id}', unusedAccount)}?keys=delete`;
  }
  if (path.includes('{id}') && unused === undefined) unused = (await made({ scopes: [] })).id;
  return path
    .replace('{id}', String(unused))
    .replace('{address}', '192.0.2.1')
    .replace('{provider}', 'anthropic');
}

/** A member without a password, written behind the service's back. */
async function anAccount(): Promise<string> {
  const id = crypto.randomUUID();
  await sqlIn(
    keyhearth.dataDir,
    `insert into accounts values ('${id}', '${id}@example.com', '', 'member', '', 1, '', null, 0, 0, null, 1, null)`,
  );
  return id;
}

const line = (cells: readonly string[]) =>
  cells
    .map((text, i) => text.padEnd(i === 0 ? NAME_WIDTH : Math.max(5, text.length + 2)))
    .join('')
    .trimEnd();

const columns = scopeSets.map((scopes) => scopes.join(' ') || '[]');
const row = (cells: string[]) =>
  cells
    .map((text, i) => text.padEnd((columns[i] ?? '').length))
    .join('  ')
    .trimEnd();

test('who may do what, and what everybody else gets', async () => {
  const all = await routes();
  const text = [
    'The status of the answer to each route, by the state and the scopes of the key. The key is sent in X-Proxbox-API-Key,',
    'in X-API-Key and in Authorization: Bearer: one status where all three get the same.',
    'Written by `npx vitest run --project service test/apis/who-may-do-what.test.ts -u`.',
  ];
  const anonymous = [];
  for (const { name, method, path } of all)
    anonymous.push(
      line([name, String((await keyhearth.send({ method, path: await targetOf(path) })).status)]),
    );
  text.push('', 'Without a key', ...anonymous);

  for (const [state, makeOf] of Object.entries(states)) {
    text.push(
      '',
      `${state[0]?.toUpperCase()}${state.slice(1)}`,
      `${''.padEnd(NAME_WIDTH)}${columns.join('  ')}`,
    );
    const keys = new Map<string, string>();
    for (const [i, route] of all.entries()) {
      const cells: string[] = [];
      for (const [j, scopes] of scopeSets.entries()) {
        const name = scopes.join(' ');
        const ends = ENDS_THE_KEY.includes(route.name) && state === 'active';
        if (!ends && !keys.has(name)) keys.set(name, await makeOf(scopes));
        const status = await cell(
          route,
          i + j,
          async () => (ends ? makeOf(scopes) : keys.get(name)) ?? makeOf(scopes),
        );
        cells.push(status);
      }
      text.push(`${route.name.padEnd(NAME_WIDTH)}${row(cells)}`);
    }
  }
  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(GOLDEN);
});

test('HEAD gets the status of GET', async () => {
  const { raw_key } = await made({ scopes: ['keys:read'] });
  for (const { method, path } of await routes()) {
    if (method !== 'GET') continue;
    const target = await targetOf(path);
    const answers = ['HEAD', 'GET'].map((each) => call(each, target, undefined, raw_key));
    const [head, get] = await Promise.all(answers);
    expect(head?.status, path).toBe(get?.status);
    expect(head?.text).toBe('');
  }
});

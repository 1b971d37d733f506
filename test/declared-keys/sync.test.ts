import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Declare, declaring, linesOf } from '../support/declared-keys.ts';
import { fakeClock } from '../support/fake-clock.ts';
import {
  bootstrapped,
  FIRST_KEY,
  type Running,
  service,
  sqlIn,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const TEAM_A = 'team-a-key-abc123';
const TEAM_B = 'team-b-key-def456-0123456789-0123456789';

type Started = Omit<Running, 'close'> & { declare: Declare };

async function started(): Promise<Started> {
  const dataDir = temporaryDirectory();
  const running = await bootstrapped({ dataDir });
  return { ...running, declare: await declaring(dataDir) };
}

const verify = async ({ send }: Pick<Started, 'send'>, key: string) =>
  (await send({ path: '/auth/verify', key })).status;

const listed = async ({ send }: Pick<Started, 'send'>, query = 'source=config') =>
  (await send({ path: `/auth/keys?sort=created_at&${query}`, key: FIRST_KEY })).json.keys;

const eventsOf = async ({ send }: Pick<Started, 'send'>, query = '') =>
  (await send({ path: `/auth/audit?limit=1000${query}`, key: FIRST_KEY })).json.events.filter(
    ({ actor }: { actor: { kind: string } }) => actor.kind === 'gateway',
  );

const patch = ({ send }: Pick<Started, 'send'>, id: number, body: object) =>
  send({ method: 'PATCH', path: `/auth/keys/${id}`, key: FIRST_KEY, body });

describe('the keys of a file', () => {
  test('are valid from the moment that they are stored, and no longer when they left', async () => {
    const running = await started();
    expect(await verify(running, TEAM_A)).toBe(401);
    expect(await running.declare([TEAM_A, [TEAM_B, 'Team B']])).toEqual({
      ...{ state: 'changed', added: ['team', 'team-b-key-d'], removed: [], updated: 0 },
      ...{ foreign: [], forgotten: [] },
    });
    expect([await verify(running, TEAM_A), await verify(running, TEAM_B)]).toEqual([200, 200]);
    expect(await running.declare([[TEAM_B, 'Team B']])).toMatchObject({ removed: ['team'], added: [] });
    expect([await verify(running, TEAM_A), await verify(running, TEAM_B)]).toEqual([401, 200]);
  });

  test('are keys with one scope and the source config', async () => {
    const running = await started();
    await running.declare([[TEAM_B, 'Team B']]);
    expect(await listed(running)).toMatchObject([
      {
        ...{ id: 2, label: 'Team B', hint: 'team-b-key-d', prefix: null, owner: '', account_id: null },
        ...{ scopes: ['gateway:use'], status: 'active', expires_at: null, allowed_ips: [] },
        ...{ rate_limits: [], metadata: {}, source: 'config', use_count: 0 },
      },
    ]);
    expect(await listed(running, 'scope=gateway:use')).toHaveLength(1);
  });

  test('are recorded one by one, by their hints, under the name of the gateway', async () => {
    const running = await started();
    await running.declare([TEAM_A], 'edge');
    await running.declare([[TEAM_A, 'Team A']], 'edge');
    await running.declare([], 'edge');
    const events = await eventsOf(running, '&key_id=2');
    expect(
      events.map(({ action, changes }: { action: string; changes: unknown }) => ({ action, changes })),
    ).toEqual([
      {
        action: 'key.undeclared',
        changes: { hint: { from: 'team', to: null }, is_active: { from: true, to: false } },
      },
      { action: 'key.updated', changes: { label: { from: '', to: 'Team A' } } },
      {
        action: 'key.declared',
        changes: expect.objectContaining({
          hint: { from: null, to: 'team' },
          scopes: { from: null, to: ['gateway:use'] },
          is_active: { from: null, to: true },
        }),
      },
    ]);
    expect(events[0].actor).toEqual({ kind: 'gateway', id: null, hint: null, label: 'edge' });
    const stored = await eventsOf(running, '&action=key.declared');
    const [key] = await listed(running);
    for (const [name, { to }] of Object.entries<{ to: unknown }>(stored[0].changes))
      expect({ [name]: to }).toEqual({ [name]: name === 'is_active' || name === 'label' ? to : key[name] });
  });

  test('change nothing when they are the same, in whatever order', async () => {
    const running = await started();
    await running.declare([TEAM_A, TEAM_B]);
    const before = await eventsOf(running);
    expect(await running.declare([TEAM_B, TEAM_A, TEAM_A])).toEqual({ state: 'unchanged' });
    expect(await eventsOf(running)).toEqual(before);
  });

  test('keep what else was set for them, also while they are away', async () => {
    const running = await started();
    const settings = {
      ...{ owner: 'ops@example.com', expires_at: 4_000_000_000, allowed_ips: ['127.0.0.0/8'] },
      ...{ rate_limits: [{ name: 'burst', limit: 3, window: '1h' }], metadata: { team: 'a' } },
    };
    await running.declare([TEAM_A]);
    expect(await patch(running, 2, settings)).toMatchObject({ status: 200, json: settings });
    await running.declare([[TEAM_A, 'renamed'], TEAM_B]);
    expect(await listed(running)).toMatchObject([{ id: 2, label: 'renamed', ...settings }, { id: 3 }]);
    await running.declare([]);
    expect(await listed(running)).toMatchObject([{ id: 2, status: 'inactive', ...settings }, { id: 3 }]);
    expect(await running.declare([TEAM_A])).toMatchObject({ added: ['team'] });
    expect(await listed(running, 'source=config&status=active')).toMatchObject([
      { id: 2, label: '', ...settings },
    ]);
  });

  test('stay expired when they are declared again', async () => {
    const { clock, pass } = fakeClock();
    const dataDir = temporaryDirectory();
    const running = await bootstrapped({ dataDir, clock });
    const declare = await declaring(dataDir, clock);
    await declare([TEAM_A]);
    await patch(running, 2, { expires_in: '1h' });
    pass(3_700);
    await declare([]);
    await declare([TEAM_A]);
    expect(await verify(running, TEAM_A)).toBe(401);
  });

  test('have labels that a person can read', async () => {
    const running = await started();
    await running.declare([[TEAM_A, `a\u202Eb ${'x'.repeat(300)}`]]);
    expect((await listed(running))[0].label).toBe(`ab ${'x'.repeat(197)}`);
  });

  test('are found by labels that are not ASCII', async () => {
    const running = await started();
    await running.declare([TEAM_A]);
    await running.declare([[TEAM_A, 'Grüße']]);
    expect(await listed(running, `label=${encodeURIComponent('GRÜSSE')}`)).toHaveLength(1);
  });
});

describe('a key that is stored already', () => {
  test('is left alone when it did not come from a file', async () => {
    const running = await started();
    const made = await running.send({
      ...{ method: 'POST', path: '/auth/keys', key: FIRST_KEY },
      body: { label: 'made', scopes: ['invoices:read'] },
    });
    const { raw_key: rawKey, ...before } = made.json;
    expect(await running.declare([[rawKey, 'other'], TEAM_A])).toMatchObject({
      added: ['team'],
      foreign: [before.hint],
    });
    const read = () => running.send({ path: `/auth/keys/${before.id}`, key: FIRST_KEY });
    expect((await read()).json).toEqual(before);
    expect(await running.declare([])).toMatchObject({ removed: ['team'] });
    expect((await read()).json).toEqual(before);
  });

  test('is valid while any gateway declares it', async () => {
    const running = await started();
    await running.declare([TEAM_A, TEAM_B], 'one');
    expect(await running.declare([TEAM_A], 'two')).toMatchObject({ added: ['team'] });
    expect(await listed(running)).toHaveLength(2);
    await running.declare([], 'one');
    expect([await verify(running, TEAM_A), await verify(running, TEAM_B)]).toEqual([200, 401]);
    const [left] = await eventsOf(running, '&key_id=2');
    expect(left).toMatchObject({
      actor: { label: 'one' },
      changes: { hint: { from: 'team', to: null } },
    });
    await running.declare([], 'two');
    expect(await verify(running, TEAM_A)).toBe(401);
  });
});

describe('several threads and processes', () => {
  test('make the changes of one file once', async () => {
    const running = await started();
    const declares = await Promise.all(Array.from({ length: 4 }, () => declaring(running.dataDir)));
    const outcomes = await Promise.all(declares.map((declare) => declare([TEAM_A, TEAM_B])));
    expect(outcomes.map(({ state }) => state).sort()).toEqual([
      ...['changed', 'unchanged', 'unchanged', 'unchanged'],
    ]);
    expect(await eventsOf(running)).toHaveLength(2);
  });

  test('can declare the same keys for several gateways at once', async () => {
    const running = await started();
    const names = ['one', 'two', 'three', 'four'];
    const declares = await Promise.all(names.map(() => declaring(running.dataDir)));
    await Promise.all(declares.map((declare, i) => declare([TEAM_A, TEAM_B], names[i])));
    expect(await listed(running)).toHaveLength(2);
    for (const [i, declare] of declares.slice(0, 3).entries()) await declare([], names[i]);
    expect([await verify(running, TEAM_A), await verify(running, TEAM_B)]).toEqual([200, 200]);
  });

  test('do nothing with a file that has changed since', async () => {
    const running = await started();
    const file = join(running.dataDir, 'keys');
    writeFileSync(file, TEAM_A);
    const old = linesOf(file);
    writeFileSync(file, TEAM_B);
    const now = linesOf(file);
    await running.declare(now.lines, 'default', now.isCurrent);
    expect(await running.declare(old.lines, 'default', old.isCurrent)).toEqual({ state: 'stale' });
    expect([await verify(running, TEAM_A), await verify(running, TEAM_B)]).toEqual([401, 200]);
  });

  test('end with the newest of many versions', async () => {
    const running = await started();
    const file = join(running.dataDir, 'keys');
    const declares = await Promise.all(Array.from({ length: 3 }, () => declaring(running.dataDir)));
    const follow = async (declare: Declare) => {
      for (;;) {
        const { lines, isCurrent } = linesOf(file);
        if ((await declare(lines, 'default', isCurrent)).state !== 'stale') return;
      }
    };
    const reloads: Promise<void>[] = [];
    for (let version = 0; version < 12; version++) {
      writeFileSync(file, `version-${version}-of-the-key`);
      reloads.push(...declares.map(follow));
      await new Promise(setImmediate);
    }
    await Promise.all(reloads);
    expect(await listed(running, 'source=config&status=active')).toHaveLength(1);
    expect(await verify(running, 'version-11-of-the-key')).toBe(200);
  });
});

describe('after somebody changed the rows in the database itself', () => {
  test.each([
    ['the fingerprint', 'update api_keys set fingerprint = null where id = 2'],
    ['the state', 'update api_keys set is_active = 0 where id = 2'],
    ['the row', 'delete from api_keys where id = 2'],
  ])('%s comes back with the same file', async (_what, statement) => {
    const running = await started();
    await running.declare([TEAM_A]);
    await sqlIn(running.dataDir, statement);
    expect(await verify(running, TEAM_A)).toBe(401);
    await running.declare([TEAM_A]);
    expect(await verify(running, TEAM_A)).toBe(200);
  });
});

describe('keys of 8 characters and more', () => {
  test('are looked up', async () => {
    const running = await started();
    await running.declare(['12345678', 'a'.repeat(31)]);
    expect(await listed(running)).toMatchObject([{ hint: '12' }, { hint: 'aaaaaaa' }]);
    expect([await verify(running, '12345678'), await verify(running, 'a'.repeat(31))]).toEqual([200, 200]);
  });
});

describe('while only declared keys exist', () => {
  async function fresh() {
    const dataDir = temporaryDirectory();
    const { send } = await service({ dataDir });
    const declare = await declaring(dataDir);
    await declare([TEAM_A, TEAM_B]);
    return { send, declare };
  }

  test('the first key can still be registered', async () => {
    const { send } = await fresh();
    expect((await send('/auth/bootstrap-status')).json).toEqual({
      needs_bootstrap: true,
      has_db_keys: false,
    });
    expect((await send('/auth/verify')).json.detail).toMatch(/^No API key configured\. Register a key/);
    const body = { api_key: FIRST_KEY, label: 'first' };
    const answer = await send({ method: 'POST', path: '/auth/register-key', body });
    expect(answer).toMatchObject({ status: 201, json: { detail: 'API key registered.' } });
    expect((await send('/auth/bootstrap-status')).json).toEqual({
      needs_bootstrap: false,
      has_db_keys: true,
    });
    expect((await send('/auth/verify')).json.detail).toBe('API key required. 5 attempts remaining.');
  });

  test('a declared key cannot be the first key', async () => {
    const { send } = await fresh();
    const body = { api_key: TEAM_B, label: 'first' };
    const answer = await send({ method: 'POST', path: '/auth/register-key', body });
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
    expect((await send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(true);
    expect((await send({ path: '/auth/verify?scope=*', key: TEAM_B })).status).toBe(403);
  });

  test('guesses count', async () => {
    const { send } = await fresh();
    const guess = (i: number) => send({ path: '/auth/verify', key: `guess-number-${i}` });
    for (const left of [4, 3, 2, 1, 0])
      expect((await guess(left)).json.detail).toBe(`Invalid API key. ${left} attempts remaining.`);
    expect((await guess(6)).status).toBe(429);
  });

  test('without any usable key, nothing can be guessed', async () => {
    const { send, declare } = await fresh();
    await declare([]);
    for (let i = 0; i < 7; i++)
      expect((await send({ path: '/auth/verify', key: `guess-number-${i}` })).json.code).toBe(
        'no_api_key_configured',
      );
  });
});

test('the last key that can manage keys stays the last one', async () => {
  const running = await started();
  await running.declare([TEAM_A]);
  const answer = await running.send({ method: 'POST', path: '/auth/keys/1/deactivate', key: FIRST_KEY });
  expect(answer).toMatchObject({ status: 409, json: { code: 'last_active_api_key_required' } });
});

test('the tables of declared keys hold no digest that a guess could be compared with', async () => {
  const running = await started();
  await running.declare([TEAM_A]);
  const [gateway] = await sqlIn(running.dataDir, 'select * from gateways');
  const other = temporaryDirectory();
  await bootstrapped({ dataDir: other });
  await (await declaring(other))([TEAM_A]);
  const [same] = await sqlIn(other, 'select * from gateways');
  expect(gateway?.digest).not.toBe(same?.digest);
});

import { describe, expect, test } from 'vitest';
import { declaring } from '../support/declared-keys.ts';
import { bootstrapped, FIRST_KEY, sqlIn, temporaryDirectory } from '../support/keyhearth.ts';

const KEYS = 10_000;

const linesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => `declared-${i}-0123456789-0123456789`);

test('while 10,000 keys come and go, no request fails', async () => {
  const dataDir = temporaryDirectory();
  const { send } = await bootstrapped({ dataDir });
  const declare = await declaring(dataDir);
  let isReloading = true;
  const statuses = new Map<string, number>();

  async function ask(method: string, path: string, body?: object): Promise<void> {
    const sent = { method, path, key: FIRST_KEY, ...(body && { body }) };
    while (isReloading) {
      const name = `${method} ${path} ${(await send(sent)).status}`;
      statuses.set(name, (statuses.get(name) ?? 0) + 1);
    }
  }

  const asking = [
    ask('GET', '/auth/verify'),
    ask('GET', '/auth/keys?source=config&limit=5'),
    ask('PATCH', '/auth/keys/1', { metadata: { at: 'work' } }),
    ask('POST', '/auth/keys', { scopes: [] }),
  ];
  const lines = linesOf(KEYS);
  await declare(lines);
  await declare([...lines.slice(KEYS / 2), 'another-key-0123']);
  await declare([]);
  isReloading = false;
  await Promise.all(asking);

  expect([...statuses.keys()].sort()).toEqual([
    'GET /auth/keys?source=config&limit=5 200',
    'GET /auth/verify 200',
    'PATCH /auth/keys/1 200',
    'POST /auth/keys 201',
  ]);
  // The event loop turned all the time.
  expect(statuses.get('GET /auth/verify 200')).toBeGreaterThan(50);
});

describe('a file that takes several transactions', () => {
  const counts = async (dataDir: string) => {
    const [active] = await sqlIn(
      dataDir,
      "select count(*) as keys from api_keys where source = 'config' and is_active = 1",
    );
    const [events] = await sqlIn(
      dataDir,
      "select count(*) as keys from audit_events where action = 'key.declared'",
    );
    return { active: Number(active?.keys), events: Number(events?.keys) };
  };

  test('has one result, which names all its keys, whichever thread wrote them', async () => {
    const dataDir = temporaryDirectory();
    await bootstrapped({ dataDir });
    const declares = await Promise.all([1, 2, 3].map(() => declaring(dataDir)));
    const results = await Promise.all(declares.map((declare) => declare(linesOf(5_000))));
    expect(results.map(({ state }) => state).sort()).toEqual(['changed', 'unchanged', 'unchanged']);
    const changed = results.find((result) => result.state === 'changed');
    expect(changed?.state === 'changed' && changed.added).toHaveLength(5_000);
    expect(await counts(dataDir)).toEqual({ active: 5_000, events: 5_000 });
    expect(await sqlIn(dataDir, 'select progress from gateways')).toEqual([{ progress: '' }]);
  });

  test('is given up in the middle when it changes', async () => {
    const dataDir = temporaryDirectory();
    await bootstrapped({ dataDir });
    const declare = await declaring(dataDir);
    let asked = 0;
    expect(await declare(linesOf(5_000), 'default', () => ++asked < 3)).toEqual({ state: 'stale' });
    expect(await counts(dataDir)).toEqual({ active: 1_000, events: 1_000 });
    const result = await declare(['another-key-0123', ...linesOf(2)]);
    expect(result).toMatchObject({ state: 'changed', added: ['anot'] });
    expect(await counts(dataDir)).toEqual({ active: 3, events: 1_001 });
  });
});

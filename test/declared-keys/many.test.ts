import { expect, test } from 'vitest';
import { declaring } from '../support/declared-keys.ts';
import { bootstrapped, FIRST_KEY, temporaryDirectory } from '../support/keyhearth.ts';

const KEYS = 10_000;

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
  const lines = Array.from({ length: KEYS }, (_, i) => `declared-${i}-0123456789-0123456789`);
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
}, 60_000);

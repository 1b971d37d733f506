import { expect } from 'vitest';
import { client } from './http.ts';
import { sqlIn, startService } from './keyhearth.ts';
import { peopled } from './people.ts';

const HOUR_MS = 3_600_000;

/** Labels of every kind that a page must be able to show. */
const KEYS = [
  {
    label: 'billing gateway',
    owner: 'billing@example.com',
    scopes: ['invoices:read', 'invoices:write', 'usage:read', 'keys:read'],
    expires_in: '90d',
  },
  { label: 'مفتاح الخادم الاحتياطي', owner: 'فريق العمليات', scopes: ['backups:write'] },
  { label: '🚀 deploy bot 👩‍💻', scopes: ['deploy:*'], expires_in: '20d' },
  {
    label: 'a-label-without-a-space-that-goes-on-until-it-has-two-hundred-characters-'.padEnd(200, 'x'),
    scopes: [],
    owner: 'an owner with spaces that is longer than a line on a phone',
  },
  { scopes: ['keys:read'], expires_in: '2d' },
  {
    label: 'nightly job',
    scopes: ['jobs:run'],
    allowed_ips: ['203.0.113.0/24', '2001:db8::/32'],
    rate_limits: [{ name: 'day', limit: 1000, window: '1d' }],
    metadata: { team: 'data' },
  },
  { label: 'backup-server', owner: 'ops@example.com', scopes: ['keys:verify'] },
];

/** A service that has been in use: keys, people, verifications, lockouts and events. The caller closes it. */
export async function serviceInUse() {
  const running = await peopled({}, startService);
  const { admin, call, dataDir, clock, origin } = running;
  const ids: number[] = [];
  for (const key of KEYS) {
    const answer = await call('POST', '/auth/keys', key);
    expect(answer.status).toBe(201);
    ids.push(answer.json.id);
  }
  const [billing, arabic] = ids as [number, number];
  expect((await call('PATCH', `/auth/keys/${billing}`, { label: 'billing gateway 2' })).status).toBe(200);
  expect((await call('POST', `/auth/keys/${arabic}/deactivate`)).status).toBe(200);
  expect((await call('POST', `/auth/keys/${ids.at(-1)}/rotate`, { grace: '1d' })).status).toBe(201);
  const invitation = { email: 'new@example.com', scopes: ['invoices:read'] };
  expect((await admin('POST', '/auth/invitations', invitation)).status).toBe(201);
  await running.add('member@example.com');
  await running.add('another.admin.with.a.long.address@subdomain.example.com', 'admin');
  // Not the address of the browser.
  const guess = client(origin, '127.0.0.77');
  for (let i = 0; i < 6; i++)
    await guess({ path: '/auth/keys', key: `wrong-key-number-${i}-0123456789abcdef` });
  await sqlIn(dataDir, verifications(ids, clock.now()));
  return { ...running, ids };
}

/** Two days of verifications, more by day than by night. The id 0 has the sum of all keys. */
function verifications(ids: readonly number[], now: number): string {
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const rows = Array.from({ length: 48 }, (_, back) => {
    const wave = 1 + Math.sin((back / 24) * 2 * Math.PI);
    const counts = ids.map((id, index) => ({
      id,
      valid: Math.round(wave * (900 - index * 110)) + 5,
      limited: (back * 7 + index) % 23,
    }));
    const total = {
      id: 0,
      valid: counts.reduce((sum, { valid }) => sum + valid, 0),
      limited: counts.reduce((sum, { limited }) => sum + limited, 0),
    };
    const start = hour - back * HOUR_MS;
    return [total, ...counts].map(
      ({ id, valid, limited }) =>
        `(${start}, ${id}, 'VALID', ${valid}), (${start}, ${id}, 'RATE_LIMITED', ${limited})`,
    );
  });
  return `insert into usage_hours (start, key_id, outcome, count) values ${rows.flat().join(', ')}`;
}

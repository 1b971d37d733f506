import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateIncidents, createIncidentLimit } from '../../src/audit/incident-limit.ts';
import { BOOTSTRAP_TOKEN_HEADER } from '../../src/http/headers.ts';
import { fakeClock } from '../support/fake-clock.ts';
import type { Send } from '../support/http.ts';
import {
  bootstrapped,
  FIRST_KEY,
  register,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';
const trusting = { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' };

const recorded = async (send: Send, action: string) =>
  (await send({ path: `/auth/audit?action=${action}`, key: FIRST_KEY })).json.events;

const refuse = (send: Send, headers: Record<string, string> = {}) =>
  send({ method: 'POST', path: '/auth/register-key', headers, body: { api_key: WRONG } });

test('a lockout is recorded once, with what is locked', async () => {
  const { send } = await bootstrapped({ env: trusting });
  for (let i = 0; i < 8; i++)
    await send({ path: '/auth/verify', key: WRONG, headers: { 'X-Forwarded-For': '2001:db8::5' } });
  await expect
    .poll(() => recorded(send, 'address.locked'))
    .toEqual([
      {
        id: expect.any(Number),
        at: expect.any(Number),
        action: 'address.locked',
        actor: { kind: 'anonymous', id: null, hint: null, label: null },
        address: '2001:db8::/64',
        key_id: null,
        account_id: null,
        changes: {
          kind: { from: null, to: 'api_key' },
          address: { from: null, to: '2001:db8::/64' },
          failures: { from: null, to: 5 },
          locked_until: { from: null, to: expect.any(Number) },
        },
        request_id: null,
      },
    ]);
});

test('a refused registration is recorded: a missing token, a wrong one, and one that comes too late', async () => {
  const { send } = await service({ env: { ...trusting, KEYHEARTH_BOOTSTRAP_TOKEN: 'the-token' } });
  const from = { 'X-Forwarded-For': '198.51.100.7' };
  const answers = [
    await refuse(send, from),
    await refuse(send, { ...from, [BOOTSTRAP_TOKEN_HEADER]: 'not-the-token' }),
    await send({
      method: 'POST',
      path: '/auth/register-key',
      headers: { [BOOTSTRAP_TOKEN_HEADER]: 'the-token' },
      body: { api_key: FIRST_KEY },
    }),
    await refuse(send, { ...from, [BOOTSTRAP_TOKEN_HEADER]: 'the-token' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 201, 409]);
  const refused = [answers[3], answers[1], answers[0]];
  await expect
    .poll(() => recorded(send, 'bootstrap.refused'))
    .toEqual(
      refused.map((answer) => ({
        id: expect.any(Number),
        at: expect.any(Number),
        action: 'bootstrap.refused',
        actor: { kind: 'anonymous', id: null, hint: null, label: null },
        address: '198.51.100.7',
        key_id: null,
        account_id: null,
        changes: { code: { from: null, to: answer?.json.code } },
        request_id: answer?.headers['x-request-id'],
      })),
    );
});

test('ten of a kind are recorded in a minute, and the rest are counted', async () => {
  const { clock, pass } = fakeClock();
  const { send } = await bootstrapped({ clock });
  for (let i = 0; i < 25; i++) expect((await refuse(send)).status).toBe(409);
  await expect.poll(() => recorded(send, 'bootstrap.refused')).toHaveLength(10);
  pass(60);
  await expect
    .poll(() => recorded(send, 'bootstrap.refused'))
    .toMatchObject([
      { address: null, request_id: null, changes: { omitted: { from: 0, to: 15 } } },
      ...new Array(10).fill({ address: '127.0.0.1' }),
    ]);
});

test('a stop loses nothing', async () => {
  const dataDir = temporaryDirectory();
  const { send, close } = await startService({ dataDir });
  await register(send);
  for (let i = 0; i < 12; i++) await refuse(send);
  await close();
  const rows = await sqlIn(dataDir, "select changes from audit_events where action = 'bootstrap.refused'");
  expect(rows).toHaveLength(11);
  expect(rows.at(-1)).toEqual({ changes: '{"omitted":{"from":0,"to":2}}' });
});

test('a database that takes nothing changes no refusal, and gets the events later', async () => {
  const { send, dataDir } = await bootstrapped({ env: trusting });
  const from = { 'X-Forwarded-For': '198.51.100.7' };
  await sqlIn(dataDir, 'alter table audit_events rename to kept_events');
  for (let i = 0; i < 5; i++) {
    expect((await refuse(send)).status).toBe(409);
    expect((await send({ path: '/auth/verify', key: WRONG, headers: from })).status).toBe(401);
  }
  // A write has failed by then, and more arrives after it.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect((await send({ path: '/auth/verify', key: WRONG, headers: from })).status).toBe(429);
  expect((await refuse(send)).status).toBe(409);
  await sqlIn(dataDir, 'alter table kept_events rename to audit_events');
  await expect.poll(() => recorded(send, 'bootstrap.refused')).toHaveLength(6);
  expect(await recorded(send, 'address.locked')).toHaveLength(1);
});

test('the limit loses no incident, whatever the order of threads and minutes', () => {
  const step = fc.record({
    thread: fc.nat(2),
    isSummary: fc.boolean(),
    seconds: fc.constantFrom(0, 0, 0, 20, 90),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { clock, pass } = fakeClock();
      const memory = allocateIncidents();
      const threads = [0, 1, 2].map(() => createIncidentLimit(memory, clock.monotonic));
      const ofMinute = new Map<number, number>();
      let [all, one, omitted] = [0, 0, 0];
      for (const { thread, isSummary, seconds } of steps) {
        pass(seconds);
        const limit = threads[thread];
        if (!limit) continue;
        if (isSummary) omitted += limit.takeOmitted('bootstrap.refused', false);
        else {
          all++;
          const admitted = limit.admit('bootstrap.refused');
          omitted += admitted.omitted;
          if (!admitted.isRecorded) continue;
          one++;
          const minute = Math.floor(clock.monotonic() / 60_000);
          ofMinute.set(minute, (ofMinute.get(minute) ?? 0) + 1);
        }
      }
      for (const limit of threads) omitted += limit.takeOmitted('bootstrap.refused', true);
      expect(one + omitted).toBe(all);
      expect(Math.max(0, ...ofMinute.values())).toBeLessThanOrEqual(10);
      expect(threads[0]?.takeOmitted('address.locked', true)).toBe(0);
    }),
  );
});

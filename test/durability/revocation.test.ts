import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { client, type Send } from '../support/http.ts';
import { FIRST_KEY, register, service, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { LONG, SEVERAL } from '../support/long.ts';

const CONNECTIONS = 32;

/** They are judged at different moments of a turn of the event loop, and beside each other. */
const GUARDED = ['/auth/verify', '/auth/verify', '/auth/verify', '/auth/keys?limit=1'];

/**
 * While 32 connections use one key without pause, revokes it again and again. Returns what requests got that began
 * after the revocation was answered, and ended before anything else was asked for.
 */
async function revokeUnderLoad(verify: Send, admin: Send, times: number) {
  const { json } = await admin({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
  const change = (what: string) =>
    admin({ method: 'POST', path: `/auth/keys/${json.id}/${what}`, key: FIRST_KEY });
  let revocation = 0;
  let isRevoked = false;
  let isOver = false;
  const afterRevocation = { refused: 0, passed: 0 };
  const whileActive = { refused: 0, passed: 0 };

  async function load(path: string) {
    while (!isOver) {
      const before = { revocation, isRevoked };
      const { status } = await verify({ path, key: json.raw_key });
      const sameState = before.revocation === revocation && before.isRevoked === isRevoked;
      if (!sameState) continue;
      const tally = isRevoked ? afterRevocation : whileActive;
      if (status === 200) tally.passed++;
      else tally.refused++;
    }
  }

  const running = Array.from({ length: CONNECTIONS }, (_, i) => load(GUARDED[i % GUARDED.length] ?? ''));
  while (revocation < times) {
    const before = afterRevocation.refused + afterRevocation.passed;
    expect((await change('deactivate')).status).toBe(200);
    isRevoked = true;
    while (afterRevocation.refused + afterRevocation.passed < before + CONNECTIONS) await nextTurn();
    revocation++;
    isRevoked = false;
    expect((await change('activate')).status).toBe(200);
  }
  isOver = true;
  await Promise.all(running);
  return { afterRevocation, whileActive };
}

test.each([
  ['across workers', SEVERAL, LONG ? 1_000 : 40],
  ['in one thread', '1', LONG ? 200 : 25],
])(
  'no request passes that begins after a revocation was answered: %s',
  async (_, workers, times) => {
    const { origin, send } = await startProcess({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_WORKERS: workers,
      KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
    });
    await register(send);
    const { afterRevocation, whileActive } = await revokeUnderLoad(client(origin), send, times);
    expect(afterRevocation.passed).toBe(0);
    expect(afterRevocation.refused).toBeGreaterThanOrEqual(times * CONNECTIONS);
    expect(whileActive.passed).toBeGreaterThan(times);
  },
  600_000,
);

test('nor by a worker that has not been asked since', async () => {
  const { origin, send } = await startProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_WORKERS: SEVERAL,
    KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
  });
  await register(send);
  const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
  const connections = Array.from({ length: 8 }, () => client(origin));
  const statuses = () =>
    Promise.all(
      connections.map(async (verify) => (await verify({ path: '/auth/verify', key: json.raw_key })).status),
    );
  for (let round = 0; round < (LONG ? 300 : 25); round++) {
    expect(new Set(await statuses())).toEqual(new Set([200]));
    await send({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
    expect(new Set(await statuses())).toEqual(new Set([401]));
    await send({ method: 'POST', path: `/auth/keys/${json.id}/activate`, key: FIRST_KEY });
  }
});

test('nor when another process on the same file revokes', async () => {
  const dataDir = temporaryDirectory();
  const env = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' };
  const asked = await startProcess({ ...env, KEYHEARTH_DATA_DIR: dataDir });
  // In the process of the test.
  const revoking = await service({ dataDir, env });
  await register(asked.send);
  const times = LONG ? 300 : 25;
  const { afterRevocation, whileActive } = await revokeUnderLoad(asked.send, revoking.send, times);
  expect(afterRevocation.passed).toBe(0);
  expect(whileActive.passed).toBeGreaterThan(times);
});

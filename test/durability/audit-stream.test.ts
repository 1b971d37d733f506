import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FIRST_KEY, register, sqlIn, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const EVENTS = LONG ? 200_000 : 40_000;
/** An event on the wire has about 700 bytes, so all of them are more than this. */
const MEMORY_MB = LONG ? 60 : 24;

test(`streams ${EVENTS} events in constant memory, also to a client that does not read`, async () => {
  const env = { KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_AUDIT_DAYS: '0' };
  const { send, origin, child } = await startProcess(env);
  await register(send);
  await sqlIn(
    env.KEYHEARTH_DATA_DIR,
    `insert into audit_events (at, action, actor_kind, actor_id, actor_hint, actor_label, key_id, changes)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < ${EVENTS})
     select i, 'key.updated', 'key', 1, 'hint', 'label', 2,
       '{"label":{"from":"${'a'.repeat(200)}","to":"${'b'.repeat(200)}"}}' from n`,
  );
  const memoryMb = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024;
  async function stream(): Promise<{ lines: number; peakMb: number }> {
    const headers = { 'X-API-Key': FIRST_KEY };
    const [response]: [IncomingMessage] = (await once(
      get(`${origin}/auth/audit?format=ndjson`, { headers }),
      'response',
    )) as [IncomingMessage];
    let [lines, peakMb] = [0, memoryMb()];
    await sleep(300);
    for await (const chunk of response) {
      for (const byte of chunk as Buffer) if (byte === 10) lines++;
      peakMb = Math.max(peakMb, memoryMb());
    }
    return { lines, peakMb };
  }

  // The first one warms up.
  expect(await stream()).toMatchObject({ lines: EVENTS + 1 });
  const before = memoryMb();
  const { lines, peakMb } = await stream();
  expect(lines).toBe(EVENTS + 1);
  expect(peakMb - before).toBeLessThan(MEMORY_MB);
  expect((await send({ path: '/auth/audit?limit=1', key: FIRST_KEY })).json.events[0].action).toBe(
    'key.registered',
  );
});

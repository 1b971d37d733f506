import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { linesOf } from '../../src/apis/core/audit-stream.ts';
import type { AuditEvent } from '../../src/audit/event.ts';
import { EventId, KeyId } from '../../src/lib/brand.ts';
import { DomainError } from '../../src/lib/failure.ts';
import type { Json } from '../support/http.ts';
import { bootstrapped, FIRST_KEY, sqlIn } from '../support/keyhearth.ts';

/** The events of these tests are of 1970. */
const forEver = { env: { KEYHEARTH_AUDIT_DAYS: '0' } };

const insert = (dataDir: string, events: number) =>
  sqlIn(
    dataDir,
    `insert into audit_events (at, action, actor_kind, actor_id, key_id, changes)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < ${events})
     select 1000 * (i / 3), case i % 2 when 0 then 'key.updated' else 'key.created' end, 'key', 1, i % 7, '{}' from n`,
  );

const linesIn = (text: string): Json[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Does not read the body. */
async function open(origin: string, key: string): Promise<IncomingMessage> {
  const [response] = await once(
    get(`${origin}/auth/audit?format=ndjson`, { headers: { 'X-API-Key': key } }),
    'response',
  );
  return response;
}

/** Reads the rest. @returns whether it came to its end */
async function isWhole(response: IncomingMessage): Promise<boolean> {
  response.on('error', () => undefined);
  response.resume();
  await new Promise((resolve) => response.once('close', resolve));
  return response.complete;
}

test('the stream has what the pages have', async () => {
  const { send, dataDir } = await bootstrapped(forEver);
  await insert(dataDir, 1_500);
  for (const filter of ['', '&action=key.updated', '&action=key.updated&key_id=3&from=100&to=400']) {
    const answer = await send({ path: `/auth/audit?format=ndjson${filter}`, key: FIRST_KEY });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    const paged: Json[] = [];
    for (let cursor = ''; ; ) {
      const { json } = await send({ path: `/auth/audit?limit=700${filter}${cursor}`, key: FIRST_KEY });
      paged.push(...json.events);
      if (json.next_cursor === undefined) break;
      cursor = `&cursor=${json.next_cursor}`;
    }
    expect(linesIn(answer.text)).toEqual(paged);
    expect(paged.length).toBeGreaterThan(50);
  }
});

test('a selection without events is an empty stream', async () => {
  const { send } = await bootstrapped(forEver);
  const answer = await send({ path: '/auth/audit?format=ndjson&to=1', key: FIRST_KEY });
  expect(answer).toMatchObject({ status: 200, text: '' });
});

test('breaks off when its key is revoked, and so does not look whole', async () => {
  const { origin, send, dataDir } = await bootstrapped(forEver);
  await insert(dataDir, 100_000);
  const body = { scopes: ['audit:read'] };
  const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body });
  const [revoked, kept] = [await open(origin, json.raw_key), await open(origin, FIRST_KEY)];
  await send({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
  expect(await isWhole(revoked)).toBe(false);
  expect(await isWhole(kept)).toBe(true);
});

test('a client that goes away does no harm', async () => {
  const { origin, send, dataDir } = await bootstrapped(forEver);
  await insert(dataDir, 100_000);
  for (let i = 0; i < 20; i++) (await open(origin, FIRST_KEY)).destroy();
  expect((await send({ path: '/auth/audit?limit=1', key: FIRST_KEY })).status).toBe(200);
});

const event: AuditEvent = {
  ...{ id: EventId(1), at: 1, action: 'key.created', actor: { kind: 'anonymous' } },
  ...{ address: null, keyId: KeyId(1), changes: {}, requestId: null },
};

function never(): never {
  throw new Error('the stream was broken off');
}

/** Batches without end. */
function endless() {
  const seen = { read: 0, isOver: false };
  async function* batches() {
    try {
      for (;;) {
        seen.read++;
        yield [event];
      }
    } finally {
      seen.isOver = true;
    }
  }
  return { seen, batches: batches() };
}

test('reads no more than the client takes, and nothing after it is gone', async () => {
  const { seen, batches } = endless();
  const reader = linesOf({ batches, assertMayContinue: async () => undefined, breakOff: never }).getReader();
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual({ read: 0, isOver: false });
  for (let i = 1; i <= 3; i++) {
    await reader.read();
    expect(seen.read).toBe(i);
  }
  await reader.cancel();
  expect(seen).toEqual({ read: 3, isOver: true });
});

test('asks before each batch whether it may go on', async () => {
  const { seen, batches } = endless();
  let allowed = 2;
  let isBroken = false;
  const reader = linesOf({
    batches,
    async assertMayContinue() {
      if (allowed-- === 0) throw new DomainError({ code: 'invalid_api_key', remaining: undefined });
    },
    breakOff: () => {
      isBroken = true;
    },
  }).getReader();
  await reader.read();
  await reader.read();
  expect(isBroken).toBe(false);
  await reader.read();
  expect(isBroken).toBe(true);
  expect(seen.read).toBe(2);
});

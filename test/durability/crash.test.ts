import { cpSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { errorCode } from '../../src/lib/error-code.ts';
import type { Answer, Call, Send } from '../support/http.ts';
import {
  FIRST_KEY,
  type Process,
  register,
  spawnProcess,
  startProcess,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** Two directories at a time: one process alone would leave most of the machine idle. */
const LANES = 2;

/** Where a crash lands is luck: kills go on until they have hit each stage, or this many have not. */
const MOST_KILLS = 30;

/** Longer than any start, registration or creation takes here: what is not over by then is not killed half way. */
const AT_THE_LATEST_MS = 5_000;

const environment = (dataDir: string) => ({ KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_LOCKOUT_ATTEMPTS: '0' });

/** What recovers a directory is the same in the process of the test, which starts it in a tenth of the time. */
const startHere = (dataDir: string) => startService({ dataDir, env: environment(dataDir) });

const inLanes = <T>(work: (lane: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));

async function kill({ child, ended }: Pick<Process, 'child' | 'ended'>): Promise<void> {
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
}

/** What became of a request: `cut off` when the service died with it in hand, `refused` when it was dead already. */
type Fate = Answer | 'cut off' | 'refused';

const fateOf = (sent: Promise<Answer>): Promise<Fate> =>
  sent.catch((error: unknown) => (errorCode(error) === 'ECONNREFUSED' ? 'refused' : 'cut off'));

const statusOf = (fate: Fate) => (typeof fate === 'string' ? fate : fate.status);

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Returns when the write-ahead log grows: a change is being written, and nobody has its answer yet. */
async function untilSomethingIsWritten(dataDir: string): Promise<void> {
  const log = join(dataDir, 'keyhearth.db-wal');
  const before = sizeOf(log);
  const deadline = performance.now() + AT_THE_LATEST_MS;
  while (sizeOf(log) <= before && performance.now() < deadline) await setImmediate();
}

/**
 * Looks at a copy: the service itself is to recover the original when it starts again.
 * @returns the ids of the keys in it
 */
function expectIntact(dataDir: string): number[] {
  if (sizeOf(join(dataDir, 'keyhearth.db')) === 0) return [];
  const copy = temporaryDirectory();
  for (const file of ['keyhearth.db', 'keyhearth.db-wal']) {
    if (existsSync(join(dataDir, file))) cpSync(join(dataDir, file), join(copy, file));
  }
  const sqlite = new SqliteDatabase(join(copy, 'keyhearth.db'));
  try {
    expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok');
    const hasKeys = sqlite.prepare("select 1 from sqlite_schema where name = 'api_keys'").get();
    return hasKeys ? sqlite.prepare<[], number>('select id from api_keys').pluck().all() : [];
  } finally {
    sqlite.close();
  }
}

async function isOpen(send: Send): Promise<boolean> {
  const { status, json } = await send('/auth/bootstrap-status');
  expect(status).toBe(200);
  expect(json).toEqual({ needs_bootstrap: json.needs_bootstrap, has_db_keys: !json.needs_bootstrap });
  return json.needs_bootstrap;
}

const opens = async (send: Send, key: string) => (await send({ path: '/auth/keys?limit=1', key })).status;

const registration = (api_key: string): Call => ({
  method: 'POST',
  path: '/auth/register-key',
  body: { api_key, label: api_key },
});

test('a start that is killed at any moment leaves a directory in which the next start serves', async () => {
  const landed = await inLanes(async () => {
    let beforeItServed = 0;
    for (let i = 0; i < (LONG ? 8 : 2); i++) {
      const dataDir = temporaryDirectory();
      const started = spawnProcess(environment(dataDir));
      // The first half kills while files are being made, the other half at any moment at all.
      if (i % 2 === 0) {
        while (readdirSync(dataDir).length === 0) await setImmediate();
        await sleep(Math.random() * 40);
      } else {
        await sleep(Math.random() * 600);
      }
      await kill(started);
      if (!started.stdout().includes('"address"')) beforeItServed++;
      expectIntact(dataDir);
      const again = await startHere(dataDir);
      expect(await isOpen(again.send)).toBe(true);
      await register(again.send);
      expect(await opens(again.send, FIRST_KEY)).toBe(200);
      await again.close();
    }
    return beforeItServed;
  });
  expect(Math.max(...landed)).toBeGreaterThan(0);
});

test('a registration that a crash interrupts has happened whole or not at all', async () => {
  const KILLS = LONG ? 12 : 3;
  let cutOff = 0;
  /** How many databases came back closed and open where nobody had been answered 201. */
  const unanswered = { closed: 0, open: 0 };
  let typicalMs = 300;
  const hasSeenAll = () => cutOff >= (LANES * KILLS) / 4 && unanswered.open > 0 && unanswered.closed > 0;

  await inLanes(async (lane) => {
    for (let i = 0; i < KILLS || (i < MOST_KILLS && !hasSeenAll()); i++) {
      const dataDir = temporaryDirectory();
      const keys = Array.from({ length: 4 }, (_, n) => `crash-${lane}-${i}-${n}-`.padEnd(40, 'x'));
      const process = await startProcess(environment(dataDir));
      const sentAt = performance.now();
      const pending = keys.map((key) => fateOf(process.send(registration(key))));
      if (i % 2 === 0) {
        await untilSomethingIsWritten(dataDir);
        typicalMs = performance.now() - sentAt;
      } else {
        await sleep(Math.random() * 1.3 * typicalMs);
      }
      await kill(process);

      const fates = (await Promise.all(pending)).map(statusOf);
      for (const fate of fates) expect(fate).toBeOneOf([201, 409, 'cut off', 'refused']);
      if (fates.includes('cut off')) cutOff++;
      const answered = keys.filter((_, n) => fates[n] === 201);
      expectIntact(dataDir);

      const again = await startHere(dataDir);
      const open = await isOpen(again.send);
      if (answered.length > 0) expect(open).toBe(false);
      else unanswered[open ? 'open' : 'closed']++;
      const opening = [];
      for (const key of keys) if ((await opens(again.send, key)) === 200) opening.push(key);
      expect(opening).toHaveLength(open ? 0 : 1);
      expect(opening).toEqual(expect.arrayContaining(answered));
      if (open) {
        await register(again.send);
        opening.push(FIRST_KEY);
      }
      const [key] = opening;
      const list = await again.send({ path: '/auth/keys', ...(key && { key }) });
      expect(list.json.keys).toHaveLength(1);
      await again.close();
    }
  });

  expect(cutOff).toBeGreaterThanOrEqual((LANES * KILLS) / 4);
  expect(unanswered.open).toBeGreaterThan(0);
  expect(unanswered.closed).toBeGreaterThan(0);
});

test('what was answered about keys outlives every crash: the new ones open, the retired ones do not', async () => {
  const KILLS = LONG ? 14 : 3;
  let cutOff = 0;
  let answeredInAll = 0;
  /** Keys that were stored when the service died, and that no answer has named. */
  let unanswered = 0;

  await inLanes(async () => {
    const dataDir = temporaryDirectory();
    const active = new Set([FIRST_KEY]);
    const known = new Set([1]);
    const retired = new Set<string>();
    let answered = 0;
    let inTheMiddle = false;

    async function untilToldMore(times: number): Promise<void> {
      const before = answered;
      const deadline = performance.now() + AT_THE_LATEST_MS;
      while (answered < before + times && performance.now() < deadline) await sleep(5);
    }

    async function askUntilKilled(send: Send): Promise<void> {
      for (;;) {
        const fate = await fateOf(send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY }));
        if (typeof fate === 'string') {
          if (fate === 'cut off') inTheMiddle = true;
          return;
        }
        expect(fate.status).toBe(201);
        active.add(fate.json.raw_key);
        known.add(fate.json.id);
        answered++;
        if (Math.random() < 0.3) await retire(send, fate.json.id, fate.json.raw_key);
      }
    }

    /** Unanswered, it may have happened or not: then nothing is known of the key any more. */
    async function retire(send: Send, id: number, key: string): Promise<void> {
      const call: Call =
        Math.random() < 0.5
          ? { method: 'DELETE', path: `/auth/keys/${id}` }
          : { method: 'POST', path: `/auth/keys/${id}/deactivate` };
      active.delete(key);
      const fate = await fateOf(send({ ...call, key: FIRST_KEY }));
      if (typeof fate === 'string') {
        if (fate === 'cut off') inTheMiddle = true;
        return;
      }
      expect(fate.status).toBeOneOf([200, 204]);
      retired.add(key);
      answered++;
    }

    async function expectAsTold(send: Send): Promise<void> {
      expect(await isOpen(send)).toBe(false);
      for (const key of active) expect(await opens(send, key)).toBe(200);
      for (const key of retired) expect(await opens(send, key)).toBe(401);
    }

    const first = await startHere(dataDir);
    await register(first.send);
    await first.close();
    for (let i = 0; i < KILLS || (i < MOST_KILLS && unanswered === 0); i++) {
      const process = await startProcess(environment(dataDir));
      await expectAsTold(process.send);
      inTheMiddle = false;
      const asking = Array.from({ length: 3 }, () => askUntilKilled(process.send));
      if (i % 2 === 0) {
        await untilToldMore(3);
        await untilSomethingIsWritten(dataDir);
      } else {
        await sleep(Math.random() * 600);
      }
      await kill(process);
      await Promise.all(asking);
      if (inTheMiddle) cutOff++;
      for (const id of expectIntact(dataDir)) {
        if (!known.has(id)) unanswered++;
        known.add(id);
      }
    }
    const last = await startHere(dataDir);
    await expectAsTold(last.send);
    await last.close();
    answeredInAll += answered;
  });

  expect(cutOff).toBeGreaterThanOrEqual((LANES * KILLS) / 2);
  expect(answeredInAll).toBeGreaterThan(LANES * KILLS);
  expect(unanswered).toBeGreaterThan(0);
});

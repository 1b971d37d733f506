import { cpSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { Answer, Call, Send } from '../support/http.ts';
import { FIRST_KEY, type Process, register, spawnProcess, startProcess, temporaryDirectory } from '../support/keyhearth.ts';

/** Two directories at a time: one process alone would leave most of the machine idle. */
const LANES = 2;

/** Longer than any start, registration or creation takes here: what is not over by then is not killed half way. */
const AT_THE_LATEST_MS = 2_000;

const environment = (dataDir: string) => ({ KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_LOCKOUT_ATTEMPTS: '0' });

const inLanes = <T>(work: (lane: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));

async function kill({ child, ended }: Pick<Process, 'child' | 'ended'>): Promise<void> {
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
}

/** The answer, or undefined when the service died first. */
const answerOf = (sent: Promise<Answer>): Promise<Answer | undefined> => sent.catch(() => undefined);

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Returns when the write-ahead log grows: a change is being written, and nobody has been told of it yet. */
async function untilSomethingIsWritten(dataDir: string): Promise<void> {
  const log = join(dataDir, 'keyhearth.db-wal');
  const before = sizeOf(log);
  const deadline = performance.now() + AT_THE_LATEST_MS;
  while (sizeOf(log) <= before && performance.now() < deadline) await setImmediate();
}

/** Of a copy: the service itself is to recover the original when it starts again. */
function expectIntact(dataDir: string): void {
  if (sizeOf(join(dataDir, 'keyhearth.db')) === 0) return;
  const copy = temporaryDirectory();
  for (const file of ['keyhearth.db', 'keyhearth.db-wal']) {
    if (existsSync(join(dataDir, file))) cpSync(join(dataDir, file), join(copy, file));
  }
  const sqlite = new SqliteDatabase(join(copy, 'keyhearth.db'));
  try {
    expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok');
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
    for (let i = 0; i < 8; i++) {
      const dataDir = temporaryDirectory();
      const started = spawnProcess(environment(dataDir));
      // The first half kills while files are being made, the other half at any moment at all.
      if (i % 2 === 0) {
        while (!existsSync(join(dataDir, 'pepper'))) await setImmediate();
        await sleep(Math.random() * 60);
      } else {
        await sleep(Math.random() * 600);
      }
      await kill(started);
      if (!started.stdout().includes('"address"')) beforeItServed++;
      expectIntact(dataDir);
      const again = await startProcess(environment(dataDir));
      expect(await isOpen(again.send)).toBe(true);
      await register(again.send);
      expect(await opens(again.send, FIRST_KEY)).toBe(200);
      await kill(again);
    }
    return beforeItServed;
  });
  expect(Math.max(...landed)).toBeGreaterThan(0);
}, 120_000);

test('a registration that a crash interrupts has happened whole or not at all', async () => {
  const KILLS = 12;
  /** How many came back closed and open after a kill that nobody had been answered before. */
  const unanswered = { closed: 0, open: 0 };
  let typicalMs = 300;

  await inLanes(async (lane) => {
    for (let i = 0; i < KILLS; i++) {
      const dataDir = temporaryDirectory();
      const keys = Array.from({ length: 4 }, (_, n) => `crash-${lane}-${i}-${n}-`.padEnd(40, 'x'));
      const process = await startProcess(environment(dataDir));
      const sentAt = performance.now();
      const pending = keys.map((key) => answerOf(process.send(registration(key))));
      if (i % 2 === 0) await untilSomethingIsWritten(dataDir);
      else await sleep(Math.random() * 1.3 * typicalMs);
      if (i % 2 === 0) typicalMs = performance.now() - sentAt;
      await kill(process);

      const answers = await Promise.all(pending);
      for (const answer of answers) expect(answer?.status).toBeOneOf([201, 409, undefined]);
      const acknowledged = keys.filter((_, n) => answers[n]?.status === 201);
      expectIntact(dataDir);

      const again = await startProcess(environment(dataDir));
      const open = await isOpen(again.send);
      if (acknowledged.length === 0) unanswered[open ? 'open' : 'closed']++;
      else expect(open).toBe(false);
      const works = [];
      for (const key of keys) if ((await opens(again.send, key)) === 200) works.push(key);
      expect(works).toHaveLength(open ? 0 : 1);
      expect(works).toEqual(expect.arrayContaining(acknowledged));
      if (open) {
        await register(again.send);
        works.push(FIRST_KEY);
      }
      const [key] = works;
      const list = await again.send({ path: '/auth/keys', ...(key && { key }) });
      expect(list.json.keys).toHaveLength(1);
      await kill(again);
    }
  });

  expect(unanswered.open + unanswered.closed).toBeGreaterThanOrEqual((LANES * KILLS) / 4);
  expect(unanswered.open).toBeGreaterThan(0);
}, 120_000);

test('what was answered about keys outlives every crash: the new ones open, the retired ones do not', async () => {
  const KILLS = 14;
  let withRequestsInFlight = 0;
  let acknowledged = 0;

  await inLanes(async () => {
    const dataDir = temporaryDirectory();
    const active = new Set([FIRST_KEY]);
    const retired = new Set<string>();
    let unanswered = 0;
    let deleted = 0;

    async function createUntilKilled({ send }: Process): Promise<void> {
      for (;;) {
        const answer = await answerOf(send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY }));
        if (!answer) {
          unanswered++;
          return;
        }
        expect(answer.status).toBe(201);
        active.add(answer.json.raw_key);
        acknowledged++;
        if (Math.random() < 0.3) await retire(send, answer.json.id, answer.json.raw_key);
      }
    }

    /** Unanswered, it may or may not have happened: then nothing can be said about the key any more. */
    async function retire(send: Send, id: number, key: string): Promise<void> {
      const remove = Math.random() < 0.5;
      active.delete(key);
      const answer = await answerOf(
        send({
          method: remove ? 'DELETE' : 'POST',
          path: remove ? `/auth/keys/${id}` : `/auth/keys/${id}/deactivate`,
          key: FIRST_KEY,
        }),
      );
      if (!answer) return;
      expect(answer.status).toBe(remove ? 204 : 200);
      retired.add(key);
      acknowledged++;
      if (remove) deleted++;
    }

    async function expectAsAnswered({ send }: Process): Promise<void> {
      expect(await isOpen(send)).toBe(false);
      for (const key of active) expect(await opens(send, key)).toBe(200);
      for (const key of retired) expect(await opens(send, key)).toBe(401);
    }

    await register((await startProcess(environment(dataDir))).send);
    for (let i = 0; i < KILLS; i++) {
      const process = await startProcess(environment(dataDir));
      await expectAsAnswered(process);
      const before = unanswered;
      const creating = Array.from({ length: 3 }, () => createUntilKilled(process));
      await sleep(100 + Math.random() * 400);
      if (i % 2 === 0) await untilSomethingIsWritten(dataDir);
      await kill(process);
      await Promise.all(creating);
      if (unanswered > before) withRequestsInFlight++;
      expectIntact(dataDir);
    }
    const last = await startProcess(environment(dataDir));
    await expectAsAnswered(last);
    await kill(last);
  });

  expect(withRequestsInFlight).toBeGreaterThanOrEqual(LANES * KILLS * 0.8);
  expect(acknowledged).toBeGreaterThan(LANES * KILLS);
}, 120_000);

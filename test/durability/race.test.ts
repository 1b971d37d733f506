import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import SqliteDatabase from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Call, Send } from '../support/http.ts';
import {
  FIRST_KEY,
  type Process,
  register,
  spawnProcess,
  startProcess,
  temporaryDirectory,
  untilItServes,
} from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

const run = promisify(execFile);

const PROCESSES = 4;
const REGISTRATIONS_EACH = 25;

/** How often each race is run. */
const TIMES = LONG
  ? { register: 10, open: 50, deactivate: 150, delete: 60, deactivateOther: 50 }
  : { register: 1, open: 8, deactivate: 30, delete: 10, deactivateOther: 10 };

const start = (dataDir: string) => startProcess({ KEYHEARTH_DATA_DIR: dataDir });

async function end(processes: Process[]): Promise<void> {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.map(({ ended }) => ended));
}

/** What is in the first column. */
function query(dataDir: string, sql: string): unknown[] {
  const sqlite = new SqliteDatabase(join(dataDir, 'keyhearth.db'));
  try {
    return sqlite.prepare(sql).pluck().all();
  } finally {
    sqlite.close();
  }
}

const statuses = (answers: Answer[]) => answers.map(({ status }) => status).sort();

describe('four processes that make one new data directory together', () => {
  const registration = (api_key: string): Call => ({
    method: 'POST',
    path: '/auth/register-key',
    body: { api_key, label: api_key },
  });

  async function registerMany(send: Send, name: string): Promise<{ key: string; answer: Answer }[]> {
    const keys = Array.from({ length: REGISTRATIONS_EACH }, (_, i) => `${name}-${i}-`.padEnd(40, 'x'));
    return Promise.all(keys.map(async (key) => ({ key, answer: await send(registration(key)) })));
  }

  async function race(waitForAll: boolean): Promise<void> {
    const dataDir = temporaryDirectory();
    const starting = Array.from({ length: PROCESSES }, () => start(dataDir));
    if (waitForAll) await Promise.all(starting);
    const attempts = await Promise.all(
      starting.map(async (process, i) => registerMany((await process).send, `process-${i}`)),
    );
    const processes = await Promise.all(starting);

    const all = attempts.flat();
    const winners = all.filter(({ answer }) => answer.status === 201);
    const losers = all.filter(({ answer }) => answer.status !== 201);
    expect(winners).toHaveLength(1);
    for (const { answer } of losers) {
      expect(answer).toMatchObject({ status: 409, json: { code: 'api_key_already_configured' } });
    }
    const [key] = winners.map((winner) => winner.key);
    for (const { send } of processes) {
      const list = await send({ path: '/auth/keys', ...(key && { key }) });
      expect(list).toMatchObject({ status: 200, json: { keys: [{ id: 1, label: key }] } });
      expect((await send('/auth/bootstrap-status')).json).toEqual({
        needs_bootstrap: false,
        has_db_keys: true,
      });
    }
    expect(query(dataDir, 'select label from api_keys')).toEqual([key]);
    await end(processes);
  }

  test(`register exactly one of a hundred keys that are sent once all four serve, rounds: ${TIMES.register}`, async () => {
    for (let round = 0; round < TIMES.register; round++) await race(true);
  });

  test(`register exactly one of a hundred keys that are sent while others still start, rounds: ${TIMES.register}`, async () => {
    for (let round = 0; round < TIMES.register; round++) await race(false);
  });
});

test(`four processes that open one new data directory in the same millisecond all come to serve it, ${TIMES.open} times in a row`, async () => {
  const parent = temporaryDirectory();
  const directories = Array.from({ length: TIMES.open }, (_, i) => join(parent, String(i)));
  const script = fileURLToPath(new URL('./open-together.ts', import.meta.url));
  // A process needs a moment to load; from then on the clock keeps the four together.
  const firstAt = String(Date.now() + 2_500);
  const outputs = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      run(process.execPath, [script, firstAt, ...directories], { timeout: 120_000, killSignal: 'SIGKILL' }),
    ),
  );
  for (const { stdout } of outputs) {
    expect(JSON.parse(stdout)).toEqual({ opened: directories.length, refused: [] });
  }
  for (const dataDir of directories) {
    const files = readdirSync(dataDir).filter((file) => !/-(wal|shm)$/.test(file));
    expect(files.sort()).toEqual(['keyhearth.db', 'pepper', 'pepper.database-id']);
    const marker = readFileSync(join(dataDir, 'pepper.database-id'), 'utf8').trim();
    expect(query(dataDir, 'select database_id from database_identity')).toEqual([marker]);
  }
});

describe.each([
  { through: 'two processes', processes: 2 },
  { through: 'one process', processes: 1 },
])('two active keys that are retired at the same moment through $through', ({ processes: count }) => {
  type HeldKey = { id: number; raw: string };
  type Retirement = 'deactivate' | 'delete';

  const opens = async ({ send }: Process, key: HeldKey) =>
    (await send({ path: '/auth/keys', key: key.raw })).status;

  const retire = (how: Retirement, target: HeldKey, by: HeldKey): Call =>
    how === 'delete'
      ? { method: 'DELETE', path: `/auth/keys/${target.id}`, key: by.raw }
      : { method: 'POST', path: `/auth/keys/${target.id}/deactivate`, key: by.raw };

  let processes: Process[];
  let first: Process;
  let last: Process;
  /** The two keys. Each test leaves two. */
  let [one, two]: [HeldKey, HeldKey] = [
    { id: 1, raw: FIRST_KEY },
    { id: 0, raw: '' },
  ];
  beforeAll(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'keyhearth-test-'));
    processes = [];
    for (let i = 0; i < count; i++)
      processes.push(await untilItServes(spawnProcess({ KEYHEARTH_DATA_DIR: dataDir })));
    [first, last] = [processes[0], processes.at(-1)] as [Process, Process];
    await register(first.send);
    two = await create(first, one);
    return async () => {
      await end(processes);
      rmSync(dataDir, { recursive: true, force: true });
    };
  });

  async function create({ send }: Process, by: HeldKey): Promise<HeldKey> {
    const answer = await send({ method: 'POST', path: '/auth/keys', key: by.raw });
    expect(answer.status).toBe(201);
    return { id: answer.json.id, raw: answer.json.raw_key };
  }

  async function activate({ send }: Process, target: HeldKey, by: HeldKey): Promise<void> {
    const answer = await send({ method: 'POST', path: `/auth/keys/${target.id}/activate`, key: by.raw });
    expect(answer.status).toBe(200);
  }

  /** The good key comes last, so that no address is locked out by the refusals. */
  async function expectOnlyOpens(processes: Process[], survivor: HeldKey, retired: HeldKey): Promise<void> {
    for (const process of processes) {
      expect(await opens(process, retired)).toBe(401);
      expect(await opens(process, survivor)).toBe(200);
    }
  }

  test(`leave one: the other answer is 409, in each of ${TIMES.deactivate} rounds`, async () => {
    const wins = { one: 0, two: 0 };
    for (let round = 0; round < TIMES.deactivate; round++) {
      const calls = [
        () => first.send(retire('deactivate', one, one)),
        () => last.send(retire('deactivate', two, two)),
      ];
      // Who is asked first is taken in turns; otherwise one process, being the same few microseconds ahead, would win all.
      const answers =
        round % 2 === 0
          ? await Promise.all(calls.map((call) => call()))
          : (await Promise.all(calls.toReversed().map((call) => call()))).toReversed();
      expect(statuses(answers)).toEqual([200, 409]);
      const refused = answers.find(({ status }) => status === 409);
      expect(refused?.json.code).toBe('last_active_api_key_required');
      const [retired, survivor] = answers[0]?.status === 200 ? [one, two] : [two, one];
      wins[retired === one ? 'one' : 'two']++;
      await expectOnlyOpens(processes, survivor, retired);
      await activate(first, retired, survivor);
    }
    expect(Math.min(wins.one, wins.two)).toBeGreaterThan(0);
  });

  test(`leave one when one is deleted and the other deactivated, in each of ${TIMES.delete} rounds`, async () => {
    let [left, right] = [one, two];
    for (let round = 0; round < TIMES.delete; round++) {
      const [how, otherwise] =
        round % 2 === 0 ? (['delete', 'deactivate'] as const) : (['deactivate', 'delete'] as const);
      const answers = await Promise.all([
        first.send(retire(how, left, left)),
        last.send(retire(otherwise, right, right)),
      ]);
      const [ofLeft] = answers;
      const retired = ofLeft.status === 409 ? right : left;
      const survivor = ofLeft.status === 409 ? left : right;
      const done = (ofLeft.status === 409 ? otherwise : how) === 'delete' ? 204 : 200;
      expect(statuses(answers)).toEqual([done, 409]);
      const refused = answers.find(({ status }) => status === 409);
      expect(refused?.json.code).toBe('last_active_api_key_required');
      await expectOnlyOpens(processes, survivor, retired);
      if (done === 204) {
        left = survivor;
        right = await create(last, survivor);
      } else {
        await activate(last, retired, survivor);
      }
    }
    [one, two] = [left, right];
  });

  test(`leave one when each is used to deactivate the other, in each of ${TIMES.deactivateOther} rounds`, async () => {
    for (let round = 0; round < TIMES.deactivateOther; round++) {
      const answers = await Promise.all([
        first.send(retire('deactivate', two, one)),
        last.send(retire('deactivate', one, two)),
      ]);
      const done = answers.filter(({ status }) => status === 200);
      expect(done).toHaveLength(1);
      // Whoever comes second is either still let in, and is then the last, or no longer let in.
      expect(statuses(answers)[1]).toBeOneOf([401, 409]);
      const [retired, survivor] = answers[0].status === 200 ? [two, one] : [one, two];
      await expectOnlyOpens(processes, survivor, retired);
      await activate(first, retired, survivor);
    }
  });
});

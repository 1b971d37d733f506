import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { aucOf } from '../bench/auc.ts';
import { checkoutOf } from '../bench/before.ts';
import { countsFor } from '../bench/counts.ts';
import { countLines } from '../bench/lines.ts';
import { type Figures, milliseconds, parseAutocannon, parseWrk } from '../bench/load.ts';
import { plot } from '../bench/plot.ts';
import type { Server } from '../bench/processes.ts';
import { renderCore } from '../bench/report.ts';
import { assertExpected } from '../bench/rounds.ts';
import { coreScenarios, type Scenario } from '../bench/scenarios.ts';
import { median, medianRatio } from '../bench/statistics.ts';
import { isMet, targetRow, targets } from '../bench/targets.ts';
import { coresNeeded, hasRoomForWorkers, workersOn } from '../bench/workers.ts';

/** What `npm run bench` makes of what it measures: a harness that lies would not be noticed otherwise. */

const WRK = `Running 2s test @ http://127.0.0.1:18731/verify
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    37.99ms   35.07ms 366.98ms   95.32%
    Req/Sec     0.97k   219.05     1.38k    70.00%
  Latency Distribution
     50%  929.00us
     75%   36.51ms
     90%   45.40ms
     99%  233.42ms
  1934 requests in 2.00s, 475.95KB read
Requests/sec:    965.32
Transfer/sec:    237.56KB
`;

describe('median', () => {
  test('is the middle one, in order of size', () => expect(median([10, 9, 100])).toBe(10));
  test('is the mean of the two in the middle', () => expect(median([4, 1, 2, 100])).toBe(3));
  test('of nothing does not exist', () => expect(() => median([])).toThrow('nothing'));

  test('of ratios pairs the rounds, so that a slow one counts for both', () => {
    expect(medianRatio([50, 5, 60], [100, 10, 100])).toBe(0.5);
  });

  test('of ratios needs as many rounds of both', () => {
    expect(() => medianRatio([1, 2], [1])).toThrow('as many rounds');
  });
});

describe('the AUC', () => {
  test('is 1 where every sample of the one kind is larger, 0 where it is smaller', () => {
    expect(aucOf([4, 5, 6], [1, 2, 3])).toEqual({ auc: 1, low: 1, high: 1 });
    expect(aucOf([1, 2, 3], [4, 5, 6])).toEqual({ auc: 0, low: 0, high: 0 });
  });

  test('counts an equal sample for a half', () => {
    expect(aucOf([1, 1], [1, 1]).auc).toBe(0.5);
    expect(aucOf([1, 2], [2, 3]).auc).toBe(0.125);
  });

  test('has an interval that holds the true value, and gets narrower with more samples', () => {
    // Quantiles of one distribution, and of the same moved by a tenth of its range: the true value is 0.5 + 0.095.
    const quantiles = (count: number, from: number) =>
      Array.from({ length: count }, (_, i) => from + (i + 0.5) / count);
    const some = aucOf(quantiles(50, 0.1), quantiles(50, 0));
    const many = aucOf(quantiles(5_000, 0.1), quantiles(5_000, 0));
    for (const { low, high } of [some, many]) {
      expect(low).toBeLessThan(0.595);
      expect(high).toBeGreaterThan(0.595);
    }
    expect(many.high - many.low).toBeLessThan((some.high - some.low) / 5);
    // Hanley and McNeil: the standard error of 5,000 samples a kind is at most about 0.5 / sqrt(5,000 * 3 / 4).
    expect(many.high - many.low).toBeLessThan(0.03);
  });

  test('needs two samples of each kind', () => expect(() => aucOf([1], [1, 2])).toThrow('two samples'));
});

describe('the output of wrk', () => {
  test.each([
    ['912.00us', 0.912],
    ['1.02ms', 1.02],
    ['1.20s', 1_200],
    ['1.00m', 60_000],
  ])('%s is %d ms', (text, expected) => expect(milliseconds(text)).toBeCloseTo(expected, 6));

  test.each(['', '12', '1.2 ms', '3parsecs'])('%j is no time', (text) => {
    expect(() => milliseconds(text)).toThrow('for a time');
  });

  test('is read', () => {
    expect(parseWrk(WRK)).toEqual({
      perSecond: 965.32,
      p99Ms: 233.42,
      requests: 1934,
      refused: 0,
      failed: 0,
      statuses: new Map(),
    });
  });

  test('reports refusals, failed connections, and statuses where they were counted', () => {
    const more = `  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 7\n`;
    expect(parseWrk(`${WRK}${more}Status 200: 1927\nStatus 401: 7\n`)).toMatchObject({
      refused: 7,
      failed: 10,
      statuses: new Map([
        [200, 1927],
        [401, 7],
      ]),
    });
  });

  test('without a figure is a failure, not a zero', () => {
    expect(() => parseWrk(WRK.replace(/Requests\/sec.*/, ''))).toThrow('wrk wrote nothing like');
    expect(() => parseWrk('unable to connect')).toThrow('wrk wrote nothing like');
  });
});

test('the output of autocannon is read', () => {
  const output = JSON.stringify({
    requests: { average: 1_000.5, total: 2_001 },
    latency: { p99: 3 },
    non2xx: 1,
    errors: 2,
    timeouts: 3,
    statusCodeStats: { 200: { count: 2_000 }, 401: { count: 1 } },
  });
  expect(parseAutocannon(output)).toEqual({
    perSecond: 1_000.5,
    p99Ms: 3,
    requests: 2_001,
    refused: 1,
    failed: 5,
    statuses: new Map([
      [200, 2_000],
      [401, 1],
    ]),
  });
});

describe('a scenario', () => {
  const figures: Figures = { ...parseWrk(WRK), requests: 10, statuses: new Map([[200, 10]]) };
  const refusing = { ...figures, refused: 10, statuses: new Map([[429, 10]]) };

  test('goes on when every answer is the expected one', () => {
    assertExpected('verify', 200, figures, true);
    assertExpected('locked', 429, refusing, true);
  });

  test.each([
    ['one refusal among good answers', 200, { ...figures, refused: 1 }, false],
    ['one good answer among refusals', 401, { ...refusing, refused: 9 }, false],
    ['another refusal than expected', 401, refusing, true],
    ['a failed connection', 200, { ...figures, failed: 1 }, false],
    ['no answer at all', 200, { ...figures, requests: 0 }, false],
  ])('ends the run at %s', (_, expected, wrong, countStatuses) => {
    expect(() => assertExpected('verify', expected, wrong, countStatuses)).toThrow('every time');
  });
});

describe('a target', () => {
  test('is met at its limit, and not beyond', () => {
    expect(isMet({ what: '', unit: '×', reached: 0.7, limit: { atLeast: 0.7 } })).toBe(true);
    expect(isMet({ what: '', unit: '×', reached: 0.6999, limit: { atLeast: 0.7 } })).toBe(false);
    expect(isMet({ what: '', unit: 'ms', reached: 20, limit: { atMost: 20 } })).toBe(true);
    expect(isMet({ what: '', unit: 'ms', reached: 20.01, limit: { atMost: 20 } })).toBe(false);
    expect(isMet({ what: '', unit: 'ms', reached: Number.NaN, limit: { atMost: 20 } })).toBe(false);
  });

  test('is shown with what was reached', () => {
    const target = { what: 'a ÷ b', unit: '×', reached: 0.834, limit: { atLeast: 0.7 }, aim: 0.9 } as const;
    expect(targetRow(target)).toEqual(['a ÷ b', '≥ 0.7 × (aim 0.9)', '0.83 ×', 'yes']);
    const missed = { what: 'c', unit: 'MB', reached: 151.2, limit: { atMost: 50 } } as const;
    expect(targetRow(missed)).toEqual(['c', '≤ 50 MB', '152 MB', 'no']);
  });

  test('that is missed by a hair does not read as if it were met', () => {
    const missed = { what: 'c', unit: '×', reached: 0.8999, limit: { atLeast: 0.9 } } as const;
    expect(targetRow(missed)).toEqual(['c', '≥ 0.9 ×', '0.89 ×', 'no']);
    const late = { what: 'd', unit: 's', reached: 1.0001, limit: { atMost: 1 } } as const;
    expect(targetRow(late)).toEqual(['d', '≤ 1 s', '1.01 s', 'no']);
  });

  test('that takes more cores than there are is not judged', () => {
    const target = { what: 'e', unit: '×', reached: { needsCores: 3 }, limit: { atLeast: 1.7 } } as const;
    expect(isMet(target)).toBe(false);
    expect(targetRow(target)).toEqual(['e', '≥ 1.7 ×', 'not measured', 'needs 3 cores']);
  });
});

describe('several workers', () => {
  test.each([
    [1, 2, 3, false],
    [2, 2, 3, false],
    [3, 2, 3, true],
    [4, 3, 4, true],
    [16, 15, 16, true],
  ])('on %d cores are %d, need %d, and have them: %s', (cores, workers, needed, hasRoom) => {
    expect([workersOn(cores), coresNeeded(cores), hasRoomForWorkers(cores)]).toEqual([
      workers,
      needed,
      hasRoom,
    ]);
  });
});

describe('the targets of a run', () => {
  const of = (perSecond: number) => ({ perSecond, p99Ms: 1, busyCores: 1 });
  const figures = {
    ...{ hono: of(100), verify: of(90), million: of(45), scoped: of(81), unknown: of(180), locked: of(135) },
    ...{ limited: of(63), postgresLimited: of(24) },
    betterAuth: of(3),
    ...{ postgres: of(40), postgresLoop: of(50), postgresCached: of(99), list: of(10), trpcList: of(7) },
  };
  const workers = { verify64: of(80), several: of(160) };
  const seen = (passed: number, latestMs: number) => ({ after: 9_000, passed, latestMs });
  const cluster = {
    cacheOff: seen(1, 9),
    healthy: seen(2, 200),
    terminated: seen(3, 300),
    stopped: seen(4, 400),
    storm: { statuses: new Map(), slowestMs: 8, terminations: 7, connectionsLeft: 6 },
    replicas: { kills: 50, acknowledged: 100, lost: 5 },
    database: { kills: 10, acknowledged: 100, lost: 6 },
  };
  const single = {
    ...{ memoryOneMb: 100, memoryMillionMb: 130, creation: 1, startMs: 400, p99UnderLockMs: 7, cluster },
    listing: {
      ...{ singleMs: 2, combinedMs: 150, migrationMs: 6_000 },
      postgres: { singleMs: 3, combinedMs: 160 },
    },
    gateway: { toBareProxy: 0.85, toNginx: 1.2, addedFirstByteMs: 4, memoryMb: 43 },
    reload: { seconds: 3, answered: 1_000, failed: 0 },
    counts: countsFor(5),
    lines: { median: 31, longest: 249 },
  };
  const pass = (...parts: Record<string, ReturnType<typeof of>>[]) =>
    new Map([figures, ...parts].flatMap((part) => Object.entries(part)));
  const targetsOf = (passes: ReturnType<typeof pass>[], cores: number) => targets(passes, single, cores);

  test('each take their figure from its own scenario', () => {
    expect(targetsOf([pass(workers)], 4).map(({ reached }) => reached)).toEqual([
      ...[0.9, 0.5, 0.9, 0.7, 2, 1.5, 2, 30, 0.6, 0.8, 1.1, 0.7, 1, 30, 0.4, 7, 2, 150, 3, 160, 6],
      ...[1, 200, 300, 400, 5, 6],
      ...[1.2, 0.85, 4, 43, 0],
      ...[31, 249],
    ]);
  });

  test('say what several workers need where there are too few cores', () => {
    const rows = targetsOf([pass()], 2).map(targetRow);
    expect(rows.filter(([, , , met]) => met?.startsWith('needs'))).toEqual([
      ['verify, 2 workers ÷ 1 worker', '≥ 1.7 ×', 'not measured', 'needs 3 cores'],
    ]);
  });

  test('fail where there are cores enough and several workers were not measured', () => {
    expect(() => targetsOf([pass()], 4)).toThrow('no scenario "several"');
  });

  test('have a row for the state before, if it was measured, and none otherwise', () => {
    const row = (passes: ReturnType<typeof pass>[]) =>
      targetsOf(passes, 2)
        .map(targetRow)
        .find(([what]) => what === 'verify, after ÷ before');
    expect(row([pass()])).toBeUndefined();
    const passes = [80, 100, 90].map((perSecond) => pass({ before: of(perSecond) }));
    expect(row(passes)).toEqual(['verify, after ÷ before', '≥ 0.97 ×', '1 ×', 'yes']);
  });
});

describe('the report', () => {
  const results = [80, 100, 90].map(
    (before) =>
      new Map(
        Object.entries({
          raw: 200,
          hono: 100,
          verify: 90,
          scoped: 90,
          limited: 90,
          before,
          unknown: 81,
          locked: 90,
          million: 90,
        }).map(([id, perSecond]) => [id, { perSecond, p99Ms: 1, busyCores: 1 }]),
      ),
  );

  test('of the first group alone says how far apart the passes are', () => {
    const [, first] = renderCore({ scenarios: [], results }).split('\n');
    expect(first?.split(/ {2,}/)).toEqual([
      ...['verify, after ÷ before', '≥ 0.97 ×', '1 ×', 'yes'],
      '0.90 to 1.13',
    ]);
  });
});

describe('the first group', () => {
  const server = (name: string): Server => ({
    ...{ name, origin: `http://${name}`, pid: 1, logFile: '', startMs: 1 },
    stop: async () => undefined,
  });
  const servers = {
    ...{ raw: server('raw'), hono: server('hono'), one: server('one') },
    ...{ oneOpen: server('one-open'), oneLocked: server('one-locked'), million: server('million') },
  };
  const keys = {
    one: 'a',
    scoped: 's',
    limited: 'l',
    unknown: 'b',
    thousandOfMillion: 'c',
    manyOfMillion: 'd',
  };
  const ids = (all: readonly Scenario[]) => all.map(({ id }) => id);

  test('has no state before unless one is given', () => {
    expect(ids(coreScenarios(servers, keys))).toEqual([
      'raw',
      'hono',
      'verify',
      'scoped',
      'limited',
      'unknown',
      'locked',
      'million',
    ]);
  });

  test('has the state before next to verification, with its own key', () => {
    const all = coreScenarios({ ...servers, before: server('before') }, { ...keys, before: 'e' });
    expect(ids(all)).toEqual([
      'raw',
      'hono',
      'verify',
      'before',
      'scoped',
      'limited',
      'unknown',
      'locked',
      'million',
    ]);
    expect(all.find(({ id }) => id === 'before')).toMatchObject({ path: '/auth/verify', keysFile: 'e' });
  });
});

describe('the counts outside the rounds', () => {
  const full = {
    ...{ memoryRuns: 3, revocations: 1_000, revocationsCached: 300, revocationsDeaf: 10 },
    ...{ stormSeconds: 60, replicaKills: 50, databaseKills: 10, gatewayPasses: 10 },
  };

  test.each([5, 6, 100])('are full at %d rounds', (rounds) => expect(countsFor(rounds)).toEqual(full));

  test('are in proportion to fewer rounds', () => {
    expect(countsFor(2)).toEqual({
      ...{ memoryRuns: 1, revocations: 400, revocationsCached: 120, revocationsDeaf: 4 },
      ...{ stormSeconds: 24, replicaKills: 20, databaseKills: 4, gatewayPasses: 4 },
    });
  });
});

describe('the lines of files', () => {
  test('are the newlines of each TypeScript file, at any depth', () => {
    const directory = mkdtempSync(join(tmpdir(), 'keyhearth-lines-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    mkdirSync(join(directory, 'deep', 'deeper'), { recursive: true });
    const write = (path: string, lines: number) => writeFileSync(join(directory, path), 'x\n'.repeat(lines));
    write('a.ts', 3);
    write('deep/b.ts', 10);
    write('deep/deeper/c.ts', 5);
    write('deep/d.json', 900);
    expect(countLines(directory)).toEqual({ median: 5, longest: 10 });
  });

  test('are those of src', () => expect(countLines().longest).toBeGreaterThan(10));
});

describe('the state before', () => {
  test('does not exist unless it is asked for', () => {
    expect(checkoutOf(undefined, '/nowhere')).toBeUndefined();
    expect(checkoutOf('', '/nowhere')).toBeUndefined();
  });

  test('may be a checkout', () => {
    const root = join(import.meta.dirname, '..');
    expect(checkoutOf(root, '/nowhere')?.main).toBe(join(root, 'src/main.ts'));
  });

  test('that is neither a checkout nor a commit ends the run', () => {
    expect(() => checkoutOf('no-such-commit', '/nowhere')).toThrow('BENCH_BEFORE is neither');
  });
});

test('a plot has a bar as long as its figure, and no markup from a title', () => {
  const svg = plot('all', [
    { title: 'a <b>', value: 100, isOurs: true },
    { title: 'c', value: 50, isOurs: false },
  ]);
  const lengths = [...svg.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
  expect(lengths[0]).toBe(2 * (lengths[1] ?? 0));
  expect(svg).toContain('a &lt;b&gt;');
});

import { expect, test } from 'vitest';
import { createLineLimit, type LineLimit, type Summary } from '../../src/http/line-limit.ts';

const LINES_PER_SECOND = 100;

/** Sends the requests of so many seconds. @returns what was written and what was summed up */
function flood(limit: LineLimit, seconds: number, clients: readonly string[], requestsPerClient: number) {
  const written: number[] = [];
  const summaries: Summary[] = [];
  for (let second = 0; second < seconds; second++) {
    let lines = 0;
    for (let i = 0; i < requestsPerClient; i++) {
      for (const client of clients) if (limit.admit(client, 429)) lines++;
    }
    const due = limit.nextSecond();
    summaries.push(...due);
    written.push(lines + due.length);
  }
  return { written, summaries };
}

const total = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0);
const repeatedIn = (summaries: Summary[]) => total(summaries.map(({ repeated }) => repeated));
const addresses = (count: number) => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

test('a client gets ten lines, and then one summary of the others after ten seconds', () => {
  const limit = createLineLimit(LINES_PER_SECOND);
  const admitted = Array.from({ length: 25 }, (_, i) => limit.admit('192.0.2.1', i < 20 ? 401 : 429));
  expect(admitted.filter(Boolean)).toHaveLength(10);
  for (let second = 1; second < 10; second++) expect(limit.nextSecond()).toEqual([]);
  expect(limit.nextSecond()).toEqual([{ client: '192.0.2.1', repeated: 15, statuses: { 401: 10, 429: 5 } }]);
  expect(limit.admit('192.0.2.1', 401)).toBe(true);
});

test('a client that sends little is never summed up', () => {
  const limit = createLineLimit(LINES_PER_SECOND);
  for (let second = 0; second < 60; second++) {
    expect(limit.admit('192.0.2.1', 200)).toBe(true);
    expect(limit.nextSecond()).toEqual([]);
  }
});

test.each([1, 50, 1_000, 5_000])(
  '%i clients cannot write more than the limit, and every request is counted',
  (count) => {
    const limit = createLineLimit(LINES_PER_SECOND);
    const { written, summaries } = flood(limit, 30, addresses(count), 20);
    expect(Math.max(...written)).toBeLessThanOrEqual(LINES_PER_SECOND);
    const lines = total(written) - summaries.length;
    expect(lines + repeatedIn(summaries) + repeatedIn(limit.drain())).toBe(30 * 20 * count);
  },
);

test('among many clients each still gets a summary of its own, as long as they can be tracked', () => {
  const limit = createLineLimit(LINES_PER_SECOND);
  const { summaries } = flood(limit, 20, addresses(50), 20);
  expect(new Set(summaries.map(({ client }) => client))).toEqual(new Set(addresses(50)));
});

test('clients beyond those that can be tracked share one summary', () => {
  const limit = createLineLimit(LINES_PER_SECOND);
  for (const client of addresses(3_000)) limit.admit(client, 401);
  expect(limit.nextSecond()).toEqual([{ client: undefined, repeated: 2_000, statuses: { 401: 2_000 } }]);
});

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { ALL } from '../../src/metrics/catalogue.ts';
import { MAX_SERIES } from '../../src/metrics/series.ts';
import { parseExposition } from '../support/exposition.ts';
import { bootstrapped, FIRST_KEY, type Running, register, startService } from '../support/keyhearth.ts';
import { operator } from '../support/keys.ts';
import { LONG } from '../support/long.ts';

/** Methods, places, paths and keys of the test about the series of clients: 8 x 7 x 3 x 5. */
const COMBINATIONS = 840;
const REQUESTS = LONG ? 10_000 : 840;
const AT_ONCE = 40;

let running: Running;
let operate: ReturnType<typeof operator>;

beforeAll(async () => {
  running = await startService();
  await register(running.send);
  operate = operator(running.send);
});

afterAll(() => running.close());

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0';

const ask = (key = FIRST_KEY, accept = '*/*') =>
  running.send({ path: '/metrics', key, headers: { Accept: accept } });

const read = async () => parseExposition((await ask()).text, false);

test('the metrics need a key with metrics:read', async () => {
  const { raw_key: scraper } = await operate.made({ scopes: ['metrics:read'] });
  const { raw_key: other } = await operate.made({ scopes: ['keys:read'] });
  expect(await ask(scraper)).toMatchObject({ status: 200 });
  expect(await ask(other)).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  expect(await running.send('/metrics')).toMatchObject({ status: 401 });
});

test('the text is Prometheus, and OpenMetrics for a client that asks for it', async () => {
  const plain = await ask();
  expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const open = await ask(FIRST_KEY, `${OPENMETRICS};q=0.9,text/plain;q=0.5`);
  expect(open.headers['content-type']).toBe(`${OPENMETRICS}; charset=utf-8`);
  expect([plain.headers.vary, open.headers.vary]).toEqual(['Accept', 'Accept']);
  const names = [...parseExposition(plain.text, false).types.keys()];
  expect(names.sort()).toEqual(ALL.map(({ name }) => name).sort());
  const openNames = [...parseExposition(open.text, true).types.keys()];
  expect(openNames.sort()).toEqual(ALL.map(({ name }) => name.replace(/_total$/, '')).sort());
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

test.runIf(hasPromtool)('promtool finds no mistake', async () => {
  const { text } = await ask();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('verifications count by outcome, whichever way they are made', async () => {
  const before = await read();
  const { raw_key: key, id } = await operate.made({ scopes: ['a'] });
  await operate.verify(key);
  await operate.verify(key, '?scope=b');
  await operate.codeOf(key);
  await operate.codeOf(`${FIRST_KEY}-unknown`);
  await operate.call('POST', `/auth/keys/${id}/deactivate`);
  await operate.verify(key);
  await operate.verify(`${FIRST_KEY}-unknown`);
  await operate.verify(FIRST_KEY);
  const after = await read();
  const counted = (outcome: string) => {
    const series = `keyhearth_verifications_total{outcome="${outcome}"}`;
    return (after.samples.get(series) ?? Number.NaN) - (before.samples.get(series) ?? Number.NaN);
  };
  expect(
    Object.fromEntries(
      ['VALID', 'INACTIVE', 'INSUFFICIENT_SCOPE', 'UNKNOWN', 'EXPIRED'].map((name) => [name, counted(name)]),
    ),
  ).toEqual({ VALID: 3, INACTIVE: 1, INSUFFICIENT_SCOPE: 1, UNKNOWN: 2, EXPIRED: 0 });
  const count = 'keyhearth_verification_duration_seconds_count';
  expect(after.sum(count) - before.sum(count)).toBe(7);
});

test('requests count by route, status and code; a path or a method of a client is no label', async () => {
  const { id, raw_key: key } = await operate.made({ label: 'secret-label' });
  await operate.get(id);
  for (let i = 0; i < 5; i++) await running.send({ path: `/nowhere/${i}`, key: FIRST_KEY });
  await running.send({ method: 'PROPFIND', path: `/auth/keys/${id}`, key });
  const { text } = await ask();
  const { samples, sum } = parseExposition(text, false);
  const requests = (labels: string) => samples.get(`keyhearth_requests_total{port="core",${labels}}`);
  expect(requests('method="GET",route="/auth/keys/:id",status="200"')).toBeGreaterThan(0);
  expect(requests('method="GET",route="none",status="404"')).toBe(5);
  expect(requests('method="other",route="/auth/keys/:id",status="405"')).toBe(1);
  expect(sum('keyhearth_refusals_total', 'code="not_found"')).toBe(5);
  for (const secret of ['nowhere', 'PROPFIND', 'secret-label', key.slice(0, 12), '127.0.0.1'])
    expect(text).not.toContain(secret);
});

test('a locked address, the caches, the database and what waits can be seen', async () => {
  const { sum, samples } = await read();
  expect(samples.get('keyhearth_lockouts{kind="api_key"}')).toBe(0);
  expect(sum('keyhearth_workers')).toBe(1);
  expect(sum('keyhearth_build_info')).toBe(1);
  // PostgreSQL has connections, and by default no cache.
  const { server } = inject('postgres');
  const ofEngine =
    server === undefined ? sum('keyhearth_key_cache_total', 'hit') : sum('keyhearth_database_connections');
  expect(ofEngine).toBeGreaterThan(0);
  expect(sum('keyhearth_key_cache_total', 'miss')).toBeGreaterThan(0);
  expect(sum('keyhearth_database_duration_seconds_count', 'statement')).toBeGreaterThan(0);
  expect(sum('keyhearth_database_duration_seconds_count', 'look_up')).toBeGreaterThan(0);
  expect(sum('keyhearth_usage_backlog')).toBeGreaterThan(0);
  const guess = () => operate.verify(`${FIRST_KEY}-guess`);
  while ((await guess()).status !== 429);
  // This address is locked, so the answer comes from the service itself.
  expect((await ask()).status).toBe(429);
  const { text } = await running.renderMetrics(undefined);
  expect(parseExposition(text, false).samples.get('keyhearth_lockouts{kind="api_key"}')).toBe(1);
});

test('a client adds no series, whatever path, query, method, key, address or scope it sends', async () => {
  // So that a request can come from any address.
  const { send, renderMetrics } = await bootstrapped({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
  const methods = ['GET', 'PUT', 'PROPFIND', 'PURGE', 'MKCOL', 'SUBSCRIBE', 'QUERY', 'OPTIONS'];
  const places = ['nowhere', 'auth/keys', 'auth/verify', 'auth/audit', 'docs', 'metrics', 'auth/usage'];
  /** Each number gives a path, a method, a key, a header and an address that none has before it. */
  const ask = (i: number) =>
    send({
      method: methods[i % methods.length] ?? 'GET',
      path: `/${places[i % places.length]}${i % 3 === 0 ? '' : `/${i}`}?scope=scope-${i}&x${i}=${i}`,
      ...(i % 5 !== 0 && { key: i % 5 === 1 ? FIRST_KEY : `unknown-${i}-`.padEnd(40, 'x') }),
      headers: {
        'X-Forwarded-For': `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
        'User-Agent': `a ${i}`,
      },
    });
  const seriesAfter = async (from: number, to: number) => {
    for (let start = from; start < to; start += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => ask(start + i)));
    const { text } = await renderMetrics(undefined);
    expect(text).not.toMatch(/unknown-|scope-\d|PROPFIND|nowhere|10\.0\.|"a \d/);
    return [...parseExposition(text, false).samples.keys()].sort();
  };
  // As many as there are combinations.
  const first = await seriesAfter(0, COMBINATIONS);
  expect(await seriesAfter(COMBINATIONS, COMBINATIONS + REQUESTS)).toEqual(first);
});

test('the number of series has a limit, whatever comes', async () => {
  const { allocateMetrics } = await import('../../src/metrics/memory.ts');
  const { openMeter } = await import('../../src/metrics/meter.ts');
  const { snapshot } = await import('../../src/metrics/snapshot.ts');
  const memory = allocateMetrics(1);
  const meter = openMeter(memory);
  meter.close();
  for (let i = 0; i < MAX_SERIES; i++) meter.series('upstreams', [`upstream ${i}`, '200'])();
  meter.series('upstreams', ['x'.repeat(500), '200'])();
  const families = snapshot(memory, { lockouts: () => ({}) });
  const { values } = families.find(({ name }) => name.includes('upstream')) ?? { values: [] };
  expect(values.length).toBeLessThan(MAX_SERIES);
  expect(values.reduce((sum, { value }) => sum + value, 0)).toBe(MAX_SERIES + 1);
  expect(values.find(({ labels }) => labels.upstream === 'other')?.value).toBeGreaterThan(1);
});

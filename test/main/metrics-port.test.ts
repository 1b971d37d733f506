import { expect, test } from 'vitest';
import { parseExposition } from '../support/exposition.ts';
import { client } from '../support/http.ts';
import { FIRST_KEY, register, spawnProcess, startProcess, temporaryDirectory } from '../support/keyhearth.ts';

/** Each request has a connection of its own, which goes to whichever worker the system picks. */
const alone = { Connection: 'close' };
const REQUESTS = 40;

test('one port has the counts of all workers, without a key', async () => {
  const { send, stdout } = await startProcess({
    ...{ KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_WORKERS: '2' },
    KEYHEARTH_METRICS_LISTEN: '127.0.0.1:0',
  });
  const [, url = ''] = /"metrics":"([^"]+)"/.exec(stdout()) ?? [];
  const ask = client(url);
  await register(send);
  for (let i = 0; i < REQUESTS; i++) await send({ path: '/auth/verify', key: FIRST_KEY, headers: alone });
  const read = async () => parseExposition((await ask('/metrics')).text, false);
  await expect
    .poll(async () => (await read()).sum('keyhearth_event_loop_delay_seconds_count'))
    .toBeGreaterThan(1);
  const { samples, sum } = await read();
  expect(samples.get('keyhearth_verifications_total{outcome="VALID"}')).toBe(REQUESTS);
  expect(samples.get('keyhearth_workers')).toBe(2);
  expect(sum('keyhearth_requests_total', 'route="/auth/verify"')).toBe(REQUESTS);
  // Any worker has the same sums.
  const ofWorker = await send({ path: '/metrics', key: FIRST_KEY, headers: alone });
  expect(parseExposition(ofWorker.text, false).sum('keyhearth_verifications_total')).toBe(REQUESTS);
  // A page in a browser of this machine can point its own name at 127.0.0.1.
  const rebound = await ask({ path: '/metrics', headers: { Host: 'rebound.example.com:9464' } });
  expect(rebound.status).toBe(421);
  expect(rebound.text).not.toContain('keyhearth_');
  expect(await ask('/auth/keys')).toMatchObject({ status: 404, text: '' });
  expect(await ask({ method: 'POST', path: '/metrics' })).toMatchObject({ status: 405 });
});

test('a port for the metrics that is in use stops the start with a sentence', async () => {
  const { stdout } = await startProcess({
    ...{ KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_METRICS_LISTEN: '127.0.0.1:0' },
  });
  const [, address = ''] = /"metrics":"http:\/\/([^/]+)/.exec(stdout()) ?? [];
  const { text } = await client(`http://${address}`)('/metrics');
  expect(parseExposition(text, false).sum('keyhearth_workers')).toBe(1);
  const { ended, stderr } = spawnProcess({
    ...{ KEYHEARTH_DATA_DIR: temporaryDirectory(), KEYHEARTH_METRICS_LISTEN: address },
  });
  expect(await ended).toBe(1);
  expect(stderr()).toContain('is in use; stop the program that has it, or set KEYHEARTH_METRICS_LISTEN');
});

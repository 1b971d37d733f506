import { expect, test } from 'vitest';
import { startFragile } from './start-fragile.ts';

/** The first check after ten seconds without a sign of life, and as much as a busy machine may need. */
const NOTICED_MS = 60_000;

test('workers that hang are replaced, and do not hold up a stop', async () => {
  const [serving, stopping] = [await startFragile(), await startFragile()];
  // All services of this process hear it.
  serving.channel.postMessage('hang');
  const startedAt = performance.now();
  await stopping.service.stop(10_000);
  // Without a check they are cut off five seconds after the ten that requests in flight get.
  expect(performance.now() - startedAt).toBeLessThan(14_000);

  const { send, linesWith } = serving;
  await expect.poll(() => linesWith('the worker was replaced').length, { timeout: NOTICED_MS }).toBe(2);
  expect(linesWith('a worker hangs and is ended')).toHaveLength(2);
  expect((await send({ path: '/health', headers: { Connection: 'close' } })).status).toBe(200);
});

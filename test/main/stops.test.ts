import { describe, expect, test } from 'vitest';
import { type Order, stopUnderLoad } from '../../bench/stops/stop.ts';
import type { Load } from '../../bench/stops/traffic.ts';
import { COMPILED } from '../support/compiled.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

/** `npm run bench:stops` measures the same at length. */

const STOPS = LONG ? 10 : 1;
/** Beside other tests, a machine with two cores does not always manage a thousand. */
const PER_SECOND = LONG ? 1_000 : 300;

const loads: [Load['loop'], Load['connections'], number][] = [
  ['open', 'fresh', 1],
  ['open', 'kept', 1],
  ['closed', 'fresh', 1],
  ['closed', 'kept', 1],
  ['open', 'fresh', 2],
  ['closed', 'kept', 2],
];

describe.each(loads)('%s loop, %s connections, workers: %i', (loop, connections, workers) => {
  test('no request is lost at SIGTERM, and each answer is in the log', async () => {
    const dataDir = temporaryDirectory();
    const load = { loop, connections, perSecond: PER_SECOND };
    const order: Order = { env: COMPILED, dataDir, workers, load, answers: 150, reader: 'at once' };
    for (let i = 0; i < STOPS; i++) {
      const stop = await stopUnderLoad(order);
      expect(stop).toMatchObject({ lost: [], missingLines: 0, wrongEnd: undefined });
      expect(stop.answered).toBeGreaterThanOrEqual(150);
    }
  });
});

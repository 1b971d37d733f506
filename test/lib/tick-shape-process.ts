import { setImmediate as nextTurn } from 'node:timers/promises';
import { keepTickShape } from '../../src/lib/tick-shape.ts';

/** Prints how long many ticks take after garbage collections ÷ before them. Started with `--expose-gc`. */

const TICKS = 100_000;

if (process.argv[2] === 'keep') keepTickShape();

function timeTicks(): Promise<number> {
  const start = performance.now();
  return new Promise((resolve) => {
    let left = TICKS;
    const tick = () => (--left > 0 ? process.nextTick(tick) : resolve(performance.now() - start));
    process.nextTick(tick);
  });
}

async function best(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) times.push(await timeTicks());
  return Math.min(...times);
}

const before = await best();
for (let i = 0; i < 4; i++) {
  globalThis.gc?.();
  await nextTurn();
  await timeTicks();
}
process.stdout.write(String((await best()) / before));

import { executionAsyncResource } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { keepTickShape } from '../../src/lib/tick-shape.ts';

/** Prints whether ticks have the shape of the kept one. Started with `--expose-gc` and `--allow-natives-syntax`. */

// Types and formatters do not know this syntax of V8.
const haveSameShape = new Function('a', 'b', 'return %HaveSameMap(a, b)');

const kept = keepTickShape();
await nextTurn();
for (let i = 0; i < 4; i++) {
  globalThis.gc?.();
  await nextTurn();
}
process.nextTick(() => process.stdout.write(String(haveSameShape(kept[0], executionAsyncResource()))));

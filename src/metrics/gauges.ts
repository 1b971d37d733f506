import type { Meter } from './meter.ts';

export type Measured = Readonly<{
  bcrypt: { load(): Readonly<{ running: number; waiting: number }> };
  usage: { backlog(): number };
  audit: { backlog(): number };
}>;

/** What a worker has to do, and has not done yet. */
export function measure(meter: Meter, { bcrypt, usage, audit }: Measured): void {
  meter.gauge('bcrypt', 'running', () => bcrypt.load().running);
  meter.gauge('bcrypt', 'waiting', () => bcrypt.load().waiting);
  meter.gauge('usageBacklog', undefined, usage.backlog);
  meter.gauge('auditBacklog', undefined, audit.backlog);
}

/** Counts the look-ups of keys that the cache answered, and the others. */
export function countLookUps(meter: Meter): (isCached: boolean) => void {
  const hit = meter.counter('keyCache', 'hit');
  const miss = meter.counter('keyCache', 'miss');
  return (isCached) => (isCached ? hit() : miss());
}

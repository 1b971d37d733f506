import type { ComponentChildren } from 'preact';
import { place, setQuery } from '../lib/router.ts';
import { type BucketSize, lastBuckets, type UsageBucket } from '../lib/usage.ts';
import { useLoad } from '../lib/use-load.ts';
import { Shown } from './blocks.tsx';
import { UsageChart } from './chart.tsx';

const PERIODS = [
  ['hour', 48, '2 days'],
  ['day', 30, '30 days'],
] as const;

/** The time that the person chose, which is in the address. */
export const chosenPeriod = () =>
  PERIODS.find(([bucket]) => bucket === place.value.query.get('bucket')) ?? PERIODS[0];

type PanelProps = {
  /** Reads the buckets of a period. */
  load: (period: { bucket: BucketSize; from: string }) => Promise<{ buckets: UsageBucket[] }>;
  /** What `load` depends on. */
  by?: readonly unknown[];
  empty?: ComponentChildren;
};

/** Verifications over time, with the choice of the time. */
export function UsagePanel({ load, by = [], empty }: PanelProps) {
  const [chosen, count] = chosenPeriod();
  const [loaded, reload] = useLoad(
    async () => ({ size: chosen, buckets: (await load(lastBuckets(count, chosen))).buckets }),
    [chosen, ...by],
  );
  return (
    <section class="card" aria-label="Verifications">
      <div class="row ends">
        <h2>Verifications</h2>
        <fieldset class="row">
          <legend class="hidden">Time</legend>
          {PERIODS.map(([bucket, , text]) => (
            <button
              key={bucket}
              type="button"
              class="small"
              aria-pressed={bucket === chosen}
              onClick={() => setQuery({ bucket: bucket === 'hour' ? undefined : bucket }, 'replace')}
            >
              {text}
            </button>
          ))}
        </fieldset>
      </div>
      <Shown of={loaded} retry={reload}>
        {({ size, buckets }) => (
          <UsageChart label="Verifications" buckets={buckets} size={size} empty={empty} />
        )}
      </Shown>
    </section>
  );
}

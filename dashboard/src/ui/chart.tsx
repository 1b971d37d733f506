import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { bucketInWords } from '../lib/scale.ts';
import { type Bar, type BucketSize, barsOf, sizeOf, totalOf, type UsageBucket } from '../lib/usage.ts';
import { useWidth } from '../lib/use-width.ts';
import { number } from '../lib/words.ts';
import { Empty } from './blocks.tsx';
import { Bars } from './chart-bars.tsx';
import { ChartTable } from './chart-table.tsx';
import { Legend } from './legend.tsx';

type ChartProps = {
  /** What is counted: "Verifications". */
  label: string;
  buckets: readonly UsageBucket[];
  size: BucketSize;
  /** What to say, and what to do, when nothing was counted. */
  empty?: ComponentChildren;
};

/** Verifications over time by outcome, as stacked bars and as a table. */
export function UsageChart({ label, buckets, size, empty }: ChartProps) {
  const bars = useMemo(() => barsOf(buckets, size), [buckets, size]);
  if (bars.every((bar) => sizeOf(bar) === 0))
    return (
      <Empty title="No verifications in this time">
        {empty ?? <p>They appear here about ten seconds after a service has sent a key.</p>}
      </Empty>
    );
  return (
    <>
      <Chart label={label} bars={bars} size={size} />
      <ChartTable label={label} bars={bars} size={size} />
    </>
  );
}

type BarsProps = { label: string; bars: readonly Bar[]; size: BucketSize };

/** One stop of the Tab key: arrow keys, or the pointer, choose the bar whose numbers are shown. */
function Chart({ label, bars, size }: BarsProps) {
  const [element, width] = useWidth<HTMLDivElement>();
  const [chosen, choose] = useState<number>();
  const last = bars.length - 1;
  const active = chosen === undefined ? undefined : bars[chosen];
  const title = active ? bucketInWords(active.start, size) : `All ${bars.length} ${size}s`;

  function press(event: KeyboardEvent) {
    const from = chosen ?? last + 1;
    const to = {
      ArrowLeft: Math.max(0, from - 1),
      ArrowRight: Math.min(last, from + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === 'Escape') choose(undefined);
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  }

  return (
    <div>
      <Legend title={title} of={active ?? totalOf(bars)} />
      <div
        ref={element}
        role="slider"
        tabIndex={0}
        aria-label={`${label}: choose ${size === 'hour' ? 'an hour' : 'a day'} with the arrow keys`}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={chosen ?? last}
        aria-valuetext={inWords(title, active ?? totalOf(bars))}
        onKeyDown={press}
        onBlur={() => choose(undefined)}
      >
        {width > 0 && <Bars bars={bars} size={size} width={width} chosen={chosen} onChoose={choose} />}
      </div>
    </div>
  );
}

const inWords = (title: string, { valid, refused, limited }: Pick<Bar, 'valid' | 'refused' | 'limited'>) =>
  `${title}: ${number(valid)} valid, ${number(refused)} refused, ${number(limited)} over a rate limit`;

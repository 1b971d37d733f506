import { labelsOf, ticksUpTo } from '../lib/scale.ts';
import { type Bar, type BucketSize, OUTCOME_NAMES, sizeOf } from '../lib/usage.ts';

const HEIGHT = 180;
const TOP = 8;
const BELOW = 22;
const GAP = 2;
/** A few refusals beside many valid verifications must be seen. */
const LEAST_PX = 2;
const DIGIT_PX = 7;
/** The last label must not be cut off. */
const HALF_LABEL_PX = 21;

const SHORT = new Intl.NumberFormat('en-GB', { notation: 'compact' });

type BarsProps = {
  bars: readonly Bar[];
  size: BucketSize;
  /** In pixels. */
  width: number;
  chosen: number | undefined;
  onChoose: (index: number | undefined) => void;
};

/** The drawing, for the eye alone. */
export function Bars({ bars, size, width, chosen, onChoose }: BarsProps) {
  const ticks = ticksUpTo(Math.max(...bars.map(sizeOf)));
  const max = ticks.at(-1) ?? 1;
  const left = 10 + DIGIT_PX * Math.max(...ticks.map((tick) => SHORT.format(tick).length));
  const step = (width - left) / bars.length;
  const xOf = (index: number) => left + index * step;
  const px = (value: number) => (value / max) * (HEIGHT - TOP);
  const starts = bars.map(({ start }) => start);

  function point(event: PointerEvent) {
    const { left: edge } = (event.currentTarget as Element).getBoundingClientRect();
    const index = Math.floor((event.clientX - edge - left) / step);
    onChoose(index >= 0 && index < bars.length ? index : undefined);
  }

  return (
    <svg
      class="chart"
      aria-hidden="true"
      width={width}
      height={HEIGHT + BELOW}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={(event) => event.pointerType === 'mouse' && onChoose(undefined)}
    >
      {chosen !== undefined && <rect class="chosen" x={xOf(chosen)} y={0} width={step} height={HEIGHT} />}
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="axis" x1={left} x2={width} y1={HEIGHT - px(tick)} y2={HEIGHT - px(tick)} />
          <text x={left - 6} y={HEIGHT - px(tick) + 4} text-anchor="end">
            {SHORT.format(tick)}
          </text>
        </g>
      ))}
      {bars.map((bar, index) => (
        <Stack key={bar.start} of={bar} x={xOf(index) + GAP / 2} width={Math.max(1, step - GAP)} px={px} />
      ))}
      {labelsOf(starts, size, step).map(([index, text]) => (
        <text
          key={index}
          x={Math.min(xOf(index) + step / 2, width - HALF_LABEL_PX)}
          y={HEIGHT + 16}
          text-anchor="middle"
        >
          {text}
        </text>
      ))}
    </svg>
  );
}

type StackProps = { of: Bar; x: number; width: number; px: (value: number) => number };

function Stack({ of, x, width, px }: StackProps) {
  let y = HEIGHT;
  return (
    <>
      {OUTCOME_NAMES.filter(([outcome]) => of[outcome] > 0).map(([outcome]) => {
        const height = Math.max(LEAST_PX, px(of[outcome]));
        y -= height;
        return <rect key={outcome} class={outcome} x={x} y={y} width={width} height={height} />;
      })}
    </>
  );
}

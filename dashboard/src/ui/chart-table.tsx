import { bucketInWords } from '../lib/scale.ts';
import { type Bar, type BucketSize, OUTCOME_NAMES, reasonsInWords, sizeOf } from '../lib/usage.ts';
import { number } from '../lib/words.ts';

/** The numbers of a chart, the newest first, without the bars of nothing. */
export const ChartTable = ({
  label,
  bars,
  size,
}: {
  label: string;
  bars: readonly Bar[];
  size: BucketSize;
}) => (
  <details class="fold">
    <summary>Show the numbers as a table</summary>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
    <section class="scroll" aria-label={`${label} as a table`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{size === 'hour' ? 'Hour' : 'Day'}</th>
            {OUTCOME_NAMES.map(([outcome, name]) => (
              <th scope="col" class="number" key={outcome}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bars
            .filter((bar) => sizeOf(bar) > 0)
            .reverse()
            .map((bar) => (
              <tr key={bar.start}>
                <th scope="row">
                  {bucketInWords(bar.start, size)}
                  {bar.refused > 0 && <span class="quiet small block">{reasonsInWords(bar.reasons)}</span>}
                </th>
                {OUTCOME_NAMES.map(([outcome]) => (
                  <td class="number" key={outcome}>
                    {number(bar[outcome])}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  </details>
);

import { type Bar, OUTCOME_NAMES, reasonsInWords } from '../lib/usage.ts';
import { number } from '../lib/words.ts';

/** The colours of a chart, with the numbers of a bar or of all bars. */
export const Legend = ({ title, of }: { title: string; of: Omit<Bar, 'start'> }) => (
  <div class="chart-head">
    <p class="small">
      <strong>{title}</strong>
    </p>
    <ul class="legend">
      {OUTCOME_NAMES.map(([outcome, name]) => (
        <li key={outcome}>
          <i class={outcome} />
          {name} <strong>{number(of[outcome])}</strong>
        </li>
      ))}
    </ul>
    <p class="quiet small">{reasonsInWords(of.reasons)}</p>
  </div>
);

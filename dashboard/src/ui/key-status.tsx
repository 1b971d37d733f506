import type { Key } from '../lib/key.ts';
import { relative, time } from '../lib/words.ts';

/** A key that a rotation replaced can go on working for a time. */
export const KeyStatus = ({ of }: { of: Pick<Key, 'status' | 'rotated_to'> }) => (
  <span class="row">
    <span class={`badge ${{ active: 'good', inactive: '', expired: 'warn' }[of.status]}`}>
      {{ active: 'Active', inactive: 'Inactive', expired: 'Expired' }[of.status]}
    </span>
    {of.status === 'active' && of.rotated_to !== null && <span class="badge warn">Replaced</span>}
  </span>
);

/** A time in words, with the exact time as a tooltip. */
export const When = ({ at, never }: { at: number | null; never: string }) =>
  at === null ? <span class="quiet">{never}</span> : <time title={time(at)}>{relative(at)}</time>;

import type { Key } from '../lib/key.ts';
import { relative, time } from '../lib/words.ts';

export const KeyStatus = ({ of }: { of: Pick<Key, 'status'> }) => (
  <span class={`badge ${{ active: 'good', inactive: '', expired: 'warn' }[of.status]}`}>
    {{ active: 'Active', inactive: 'Inactive', expired: 'Expired' }[of.status]}
  </span>
);

/** A time in words, with the exact time as a tooltip. */
export const When = ({ at, never }: { at: number | null; never: string }) =>
  at === null ? <span class="quiet">{never}</span> : <time title={time(at)}>{relative(at)}</time>;

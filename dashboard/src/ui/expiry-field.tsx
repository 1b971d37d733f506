import type { ExpiryChoice, KeyDraft } from '../lib/key-draft.ts';
import { relative, time } from '../lib/words.ts';
import { Field, TextField } from './form.tsx';

type ExpiryProps = {
  draft: KeyDraft;
  onChange: (changes: Partial<KeyDraft>) => void;
  /** When the key expires now. Undefined for a new key. */
  current?: number | null;
};

const CHOICES: readonly (readonly [ExpiryChoice, string])[] = [
  ['30d', 'In 30 days'],
  ['90d', 'In 90 days'],
  ['365d', 'In 1 year'],
  ['date', 'On a date'],
  ['never', 'Never'],
];

const DAY_MS = 86_400_000;

export function ExpiryField({ draft, onChange, current }: ExpiryProps) {
  const choices =
    current === undefined ? CHOICES : [['keep', `No change: ${inWords(current)}`] as const, ...CHOICES];
  return (
    <>
      <Field
        label="Expires"
        name={draft.expiry === 'date' ? 'expires_in' : 'expires_at'}
        hint={draft.expiry === 'never' ? 'If the key leaks, it works until somebody revokes it.' : undefined}
      >
        {(attributes) => (
          <select
            {...attributes}
            value={draft.expiry}
            onChange={({ currentTarget }) => onChange({ expiry: currentTarget.value as ExpiryChoice })}
          >
            {choices.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        )}
      </Field>
      {draft.expiry === 'date' && (
        <TextField
          label="Last day"
          name="expires_at"
          type="date"
          hint="The key works until the end of this day, in the time of this browser."
          min={new Date(Date.now() + DAY_MS).toISOString().slice(0, 10)}
          value={draft.date}
          onInput={(date) => onChange({ date })}
        />
      )}
    </>
  );
}

const inWords = (at: number | null) => (at === null ? 'never' : `${time(at)}, ${relative(at)}`);

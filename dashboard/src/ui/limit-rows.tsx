import type { KeyDraft, LimitRow } from '../lib/key-draft.ts';
import { Field, TextField } from './form.tsx';
import { Group } from './form-group.tsx';

type RowsProps = { draft: KeyDraft; onChange: (changes: Partial<KeyDraft>) => void };

/** As many as the service takes. */
const MOST = 8;

const UNITS = [
  ['s', 'seconds'],
  ['m', 'minutes'],
  ['h', 'hours'],
  ['d', 'days'],
] as const;

/** What most people want first: some a minute, and then some a day. */
const SUGGESTIONS: Omit<LimitRow, 'row'>[] = [
  { name: 'minute', limit: '60', length: '1', unit: 'm' },
  { name: 'day', limit: '10000', length: '1', unit: 'd' },
];

/** How often the key passes. All limits hold at the same time. */
export function LimitRows({ draft, onChange }: RowsProps) {
  const { limits } = draft;
  const change = (row: number, changes: Partial<LimitRow>) =>
    onChange({ limits: limits.map((each) => (each.row === row ? { ...each, ...changes } : each)) });

  function add() {
    const row = 1 + Math.max(0, ...limits.map((limit) => limit.row));
    const free = SUGGESTIONS.find(({ name }) => limits.every((limit) => limit.name !== name));
    onChange({ limits: [...limits, { row, ...(free ?? { name: '', limit: '', length: '', unit: 'm' }) }] });
  }

  return (
    <Group
      label="Rate limits"
      name="rate_limits"
      hint={
        limits.length === 0
          ? 'How often the key can be verified in a window of time. Without a limit, as often as a client asks.'
          : 'How often the key can be verified in a window of time. All limits hold at the same time.'
      }
    >
      {limits.map((limit, index) => (
        <LimitFields
          key={limit.row}
          limit={limit}
          index={index}
          onChange={(changes) => change(limit.row, changes)}
          onRemove={() => onChange({ limits: limits.filter(({ row }) => row !== limit.row) })}
        />
      ))}
      {limits.length < MOST && (
        <button type="button" class="small" onClick={add}>
          Add a rate limit
        </button>
      )}
    </Group>
  );
}

type FieldsProps = {
  limit: LimitRow;
  index: number;
  onChange: (changes: Partial<LimitRow>) => void;
  onRemove: () => void;
};

function LimitFields({ limit, index, onChange, onRemove }: FieldsProps) {
  const path = `rate_limits.${index}`;
  return (
    <fieldset class="limit">
      <legend class="hidden">Rate limit {index + 1}</legend>
      <TextField
        label="Name"
        name={`${path}.name`}
        value={limit.name}
        onInput={(name) => onChange({ name })}
      />
      <TextField
        label="Uses"
        name={`${path}.limit`}
        inputMode="numeric"
        value={limit.limit}
        onInput={(text) => onChange({ limit: text })}
      />
      <TextField
        label="Window"
        name={`${path}.window`}
        inputMode="numeric"
        value={limit.length}
        onInput={(length) => onChange({ length })}
      />
      <Field label="Unit" name={`${path}.unit`}>
        {(attributes) => (
          <select
            {...attributes}
            value={limit.unit}
            onChange={({ currentTarget }) => onChange({ unit: currentTarget.value })}
          >
            {UNITS.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        )}
      </Field>
      <button type="button" class="small" onClick={onRemove}>
        Remove
        <span class="hidden"> rate limit {index + 1}</span>
      </button>
    </fieldset>
  );
}

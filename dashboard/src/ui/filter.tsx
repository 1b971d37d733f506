import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { place, setQuery } from '../lib/router.ts';

/** Typing waits this long, so that not every letter asks the service. */
const PAUSE_MS = 250;

/** A changed filter begins at the first page of the list. */
const change = (name: string, value: string, how: 'push' | 'replace') =>
  setQuery({ [name]: value, cursor: undefined, page: undefined }, how);

type FilterProps = { label: string; name: string };

/** A filter that is typed. Its value is a parameter of the address. */
export function TextFilter({ label, name }: FilterProps) {
  const id = useId();
  const current = place.value.query.get(name) ?? '';
  const [typed, setTyped] = useState(current);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // "Back", or a link, may change the address behind what was typed.
  useEffect(() => setTyped(current), [current]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function hear(value: string) {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change(name, value.trim(), 'replace'), PAUSE_MS);
  }

  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="search"
        name={name}
        value={typed}
        onInput={({ currentTarget }) => hear(currentTarget.value)}
      />
    </div>
  );
}

/** A filter for a moment, in the time of the reader. */
export function TimeFilter({ label, name }: FilterProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        name={name}
        value={place.value.query.get(name) ?? ''}
        onChange={({ currentTarget }) => change(name, currentTarget.value, 'replace')}
      />
    </div>
  );
}

type Options = readonly (readonly [value: string, text: string])[];

/** A filter with a choice. The first option has no value: it filters nothing. */
export function ChoiceFilter({ label, name, options }: FilterProps & { options: Options }) {
  return (
    <Choice
      label={label}
      name={name}
      options={options}
      value={place.value.query.get(name) ?? ''}
      onChange={(value) => change(name, value, 'push')}
    />
  );
}

type ChoiceProps = FilterProps & { options: Options; value: string; onChange: (value: string) => void };

/** A choice that stands among the filters. */
export function Choice({ label, name, options, value, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

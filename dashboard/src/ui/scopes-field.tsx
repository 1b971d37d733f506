import { useState } from 'preact/hooks';
import { OWN_SCOPES } from '../lib/scopes.ts';
import { TextField } from './form.tsx';

type ScopesFieldProps = {
  value: readonly string[];
  onInput: (scopes: string[]) => void;
  /** The scopes to pick from, with what they allow. */
  offered?: readonly (readonly [scope: string, meaning: string])[];
  /** What the list is called. */
  label?: string;
  /** Whether scopes can be typed that the list does not have. */
  mayType?: boolean;
};

const split = (text: string) => text.split(/[\s,]+/).filter((scope) => scope !== '');

/** Scopes: those of Keyhearth are picked from a list, and those of other services are typed. */
export function ScopesField({
  value,
  onInput,
  offered = OWN_SCOPES,
  label = 'Scopes of Keyhearth',
  mayType = true,
}: ScopesFieldProps) {
  const isOffered = (scope: string) => offered.some(([each]) => each === scope);
  const [picked, setPicked] = useState(() => value.filter(isOffered));
  const [typed, setTyped] = useState(() => value.filter((scope) => !isOffered(scope)).join(' '));

  function pick(scope: string) {
    const next = picked.includes(scope) ? picked.filter((each) => each !== scope) : [...picked, scope];
    setPicked(next);
    onInput([...new Set([...next, ...split(typed)])]);
  }

  function type(text: string) {
    setTyped(text);
    onInput([...new Set([...picked, ...split(text)])]);
  }

  return (
    <>
      <fieldset class="field">
        <legend>{label}</legend>
        {offered.map(([scope, meaning]) => (
          <label class="check" key={scope}>
            <input type="checkbox" checked={picked.includes(scope)} onChange={() => pick(scope)} />
            <span>
              <code>{scope}</code> <span class="quiet small">{meaning}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {mayType && (
        <TextField
          label="Scopes of your own services"
          name="scopes"
          hint="Separate them with spaces, for example invoices:read orders:*. That covers all that begin with orders:."
          entries={value}
          value={typed}
          onInput={type}
        />
      )}
    </>
  );
}

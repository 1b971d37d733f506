import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError, type FieldError } from '../lib/api.ts';
import { type CheckAt, Failure } from './failure.tsx';

/** The errors of the fields of a form, and the names of its fields, each by an id of its own. */
type Errors = { errors: readonly FieldError[]; shown: Map<string, string> };

export const FormErrors = createContext<Errors>({ errors: [], shown: new Map() });

export const concerns = (name: string, path: string) => path === name || path.startsWith(`${name}.`);

type FormProps = {
  /** What the button says. */
  action: string;
  /** What the button says while the request is on its way. */
  busy: string;
  /** Sends the form. An ApiError that it throws is shown, at its fields where they are known. */
  onSubmit: () => Promise<void>;
  onCancel?: (() => void) | undefined;
  isDangerous?: boolean;
  /** For a form that only asks who the person is. */
  savesNothing?: boolean;
  /** Why the form cannot be sent yet. */
  isIncomplete?: boolean;
  checkAt?: CheckAt;
  children?: ComponentChildren;
};

/** A form. It cannot be sent twice at once, and it keeps what was typed when the request fails. */
export function Form({ action, busy, onSubmit, ...more }: FormProps) {
  const { onCancel, isDangerous, isIncomplete, savesNothing = false, checkAt, children } = more;
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  // A state is too late for a second click in the same turn.
  const isSending = useRef(false);

  async function submit(event: Event) {
    event.preventDefault();
    if (isSending.current) return;
    isSending.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit();
    } catch (failure) {
      setError(failure as Error);
      setTimeout(() =>
        element.current?.querySelector<HTMLElement>('[aria-invalid="true"], .error[tabindex]')?.focus(),
      );
    } finally {
      isSending.current = false;
      setBusy(false);
    }
  }

  const shown = useRef(new Map<string, string>()).current;
  const errors = error instanceof ApiError ? error.errors : [];
  return (
    <form ref={element} onSubmit={submit} aria-busy={isBusy} noValidate>
      <FormErrors.Provider value={{ errors, shown }}>{children}</FormErrors.Provider>
      <Summary error={error} shown={shown} savesNothing={savesNothing} checkAt={checkAt} />
      <div class="actions">
        <button type="submit" class={isDangerous ? 'danger' : 'main'} disabled={isBusy || isIncomplete}>
          {isBusy ? busy : action}
        </button>
        {onCancel && (
          <button type="button" disabled={isBusy} onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

type SummaryProps = {
  error: Error | undefined;
  shown: ReadonlyMap<string, string>;
  savesNothing: boolean;
  checkAt: CheckAt | undefined;
};

/** It knows which errors already stand at a field. */
function Summary({ error, shown, savesNothing, checkAt }: SummaryProps) {
  if (!error) return null;
  const isShown =
    error instanceof ApiError &&
    error.errors.length > 0 &&
    error.errors.every(({ path }) => [...shown.values()].some((name) => concerns(name, path)));
  if (!isShown) return <Failure error={error} checkAt={checkAt} />;
  if (savesNothing) return null;
  return (
    <div class="message bad" role="alert">
      Correct the marked fields. Nothing was saved.
    </div>
  );
}

type FieldProps = {
  label: string;
  /** The name of the field in the request, where its errors are found. */
  name: string;
  hint?: ComponentChildren;
  /** For a field that is a list in the request: its entries, which errors name. */
  entries?: readonly string[];
  children: (attributes: {
    id: string;
    name: string;
    'aria-describedby'?: string;
    'aria-invalid'?: 'true';
  }) => ComponentChildren;
};

/** A label, a control, a hint and the error of the control. */
export function Field({ label, name, hint, entries, children }: FieldProps) {
  const id = useId();
  const { errors, shown } = useContext(FormErrors);
  useEffect(() => {
    shown.set(id, name);
    return () => void shown.delete(id);
  }, [name]);
  const own = errors.filter(({ path }) => concerns(name, path));
  const described = [hint && `${id}-hint`, own.length > 0 && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {children({
        id,
        name,
        ...(described === '' ? {} : { 'aria-describedby': described }),
        ...(own.length > 0 ? { 'aria-invalid': 'true' as const } : {}),
      })}
      {own.length > 0 && (
        <p class="error" id={`${id}-error`}>
          {sentences(own, { label, name, entries })}
        </p>
      )}
    </div>
  );
}

type Subject = { label: string; name: string; entries?: readonly string[] | undefined };

/** What is wrong, with what: the field, or an entry of its list. */
export const sentences = (errors: readonly FieldError[], { label, name, entries }: Subject) =>
  errors
    .map(({ path, message }) => {
      if (message.endsWith('.')) return message;
      const entry = entries?.[Number(path.slice(name.length + 1) || Number.NaN)];
      return `${entry === undefined ? label.replace(' (optional)', '') : `“${entry}”`} ${message}.`;
    })
    .join(' ');

type TextProps = Omit<FieldProps, 'children'> & {
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'datetime-local';
  autoComplete?: string;
  autoFocus?: boolean;
  readOnly?: boolean;
  inputMode?: 'text' | 'numeric';
  placeholder?: string;
  min?: string;
};

/** A field of one line. */
export function TextField({
  label,
  name,
  hint,
  entries,
  value,
  onInput,
  type = 'text',
  autoFocus = false,
  ...input
}: TextProps) {
  const element = useRef<HTMLInputElement>(null);
  // Browsers respect the attribute only once for a page that they load.
  useEffect(() => {
    if (autoFocus) element.current?.focus();
  }, []);
  return (
    <Field label={label} name={name} hint={hint} {...(entries && { entries })}>
      {(attributes) => (
        <input
          ref={element}
          // The types of Preact want one element for each type of input.
          type={type as 'text'}
          // biome-ignore lint/a11y/noAutofocus: a dialog gives the focus to the field that has the attribute
          autoFocus={autoFocus}
          {...input}
          {...attributes}
          value={value}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      )}
    </Field>
  );
}

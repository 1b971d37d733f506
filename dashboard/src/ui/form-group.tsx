import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useId, useState } from 'preact/hooks';
import { concerns, FormErrors, sentences } from './form.tsx';

type GroupProps = {
  label: string;
  /** The name in the request. */
  name: string;
  hint?: ComponentChildren;
  entries?: readonly string[];
  children: ComponentChildren;
};

/** Several controls that are one setting, and the errors that stand at none of the fields in it. */
export function Group({ label, name, hint, entries, children }: GroupProps) {
  const id = useId();
  const { errors, shown } = useContext(FormErrors);
  useEffect(() => {
    shown.set(id, name);
    return () => void shown.delete(id);
  }, [name]);
  const inner = [...shown.values()].filter((other) => other.startsWith(`${name}.`));
  const own = errors.filter(
    ({ path }) => concerns(name, path) && !inner.some((field) => concerns(field, path)),
  );
  const described = [hint && `${id}-hint`, own.length > 0 && `${id}-error`].filter(Boolean).join(' ');
  return (
    <fieldset class="field" aria-describedby={described || undefined}>
      <legend>{label}</legend>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {children}
      {own.length > 0 && (
        <p class="error" id={`${id}-error`} tabIndex={-1}>
          {sentences(own, { label, name, entries })}
        </p>
      )}
    </fieldset>
  );
}

type FoldProps = { title: string; names: readonly string[]; children: ComponentChildren };

/** Fields that most people do not need. An error in one of them opens it. */
export function Fold({ title, names, children }: FoldProps) {
  const { errors } = useContext(FormErrors);
  const [isOpen, setOpen] = useState(false);
  const hasError = errors.some(({ path }) => names.some((name) => concerns(name, path)));
  useEffect(() => {
    if (hasError) setOpen(true);
  }, [hasError]);
  return (
    <details class="fold" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

type ChoiceProps = {
  type: 'radio' | 'checkbox';
  name: string;
  isChosen: boolean;
  onChange: () => void;
  title: ComponentChildren;
  children?: ComponentChildren;
};

/** A radio button or a checkbox with an explanation. */
export const Choice = ({ type, name, isChosen, onChange, title, children }: ChoiceProps) => (
  <label class="check">
    <input type={type} name={name} checked={isChosen} onChange={onChange} />
    <span>
      {title}
      {children && <span class="quiet small block">{children}</span>}
    </span>
  </label>
);

import { isDeclared, type Key } from '../lib/key.ts';
import { addressesOf, type KeyDraft } from '../lib/key-draft.ts';
import { ExpiryField } from './expiry-field.tsx';
import { Field, TextField } from './form.tsx';
import { Fold } from './form-group.tsx';
import { LimitRows } from './limit-rows.tsx';
import { ScopePicker } from './scope-picker.tsx';

type FieldsProps = {
  draft: KeyDraft;
  onChange: (changes: Partial<KeyDraft>) => void;
  /** The key that is changed. Undefined for a new one. */
  of?: Key;
};

/** All settings of a key, for a new one and for a change. */
export function KeyFields({ draft, onChange, of }: FieldsProps) {
  const isOurs = !of || !isDeclared(of);
  return (
    <>
      <div class="row stretch top">
        {isOurs && (
          <TextField
            label="Name (optional)"
            name="label"
            hint="What the key is for, like “backup server”."
            value={draft.label}
            onInput={(label) => onChange({ label })}
          />
        )}
        <TextField
          label="Owner (optional)"
          name="owner"
          hint="A team or a person. It grants nothing."
          value={draft.owner}
          onInput={(owner) => onChange({ owner })}
        />
      </div>
      {isOurs && <ScopePicker draft={draft} onChange={onChange} />}
      <ExpiryField draft={draft} onChange={onChange} {...(of && { current: of.expires_at })} />
      <LimitRows draft={draft} onChange={onChange} />
      <Lines
        label="Allowed addresses (optional)"
        name="allowed_ips"
        hint="One address or network on each line, like 203.0.113.0/24. Without any, the key works from everywhere."
        entries={addressesOf(draft)}
        value={draft.addresses}
        onInput={(addresses) => onChange({ addresses })}
      />
      <Fold title="More settings" names={['max_concurrent', 'metadata', 'prefix']}>
        <TextField
          label="Requests at one time (optional)"
          name="max_concurrent"
          hint="How many requests and WebSockets of the key may be open at the gateway. Without a number, as many as a client opens."
          inputMode="numeric"
          value={draft.concurrent}
          onInput={(concurrent) => onChange({ concurrent })}
        />
        <Lines
          label="Metadata (optional)"
          name="metadata"
          hint="A JSON object for your own programs, like {&quot;team&quot;: &quot;billing&quot;}. Do not store secrets in it."
          value={draft.metadata}
          onInput={(metadata) => onChange({ metadata })}
        />
        {!of && (
          <TextField
            label="Prefix (optional)"
            name="prefix"
            hint="The beginning of the key: kh, unless you choose another. It cannot change later."
            value={draft.prefix}
            onInput={(prefix) => onChange({ prefix })}
          />
        )}
      </Fold>
    </>
  );
}

type LinesProps = {
  label: string;
  name: string;
  hint: string;
  entries?: readonly string[];
  value: string;
  onInput: (value: string) => void;
};

/** A field of several lines. */
const Lines = ({ value, onInput, ...field }: LinesProps) => (
  <Field {...field}>
    {(attributes) => (
      <textarea
        {...attributes}
        dir="ltr"
        spellcheck={false}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    )}
  </Field>
);

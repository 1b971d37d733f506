import { useState } from 'preact/hooks';
import { TextField } from './form.tsx';

type NewPasswordProps = { value: string; onInput: (value: string) => void; label?: string };

/** A field for a new password, with the rules. A person may see what they type, so it is typed once. */
export function NewPassword({ value, onInput, label = 'Password' }: NewPasswordProps) {
  const [isVisible, setVisible] = useState(false);
  return (
    <>
      <TextField
        label={label}
        name="password"
        type={isVisible ? 'text' : 'password'}
        hint="12 to 512 characters, and not a common password. A sentence is good."
        autoComplete="new-password"
        value={value}
        onInput={onInput}
      />
      <label class="check">
        <input type="checkbox" checked={isVisible} onChange={() => setVisible(!isVisible)} />
        Show the password
      </label>
    </>
  );
}

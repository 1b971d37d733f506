import { useState } from 'preact/hooks';
import { api, done } from '../../lib/api.ts';
import { codeIn } from '../../lib/code.ts';
import { account } from '../../lib/session.ts';
import { confirmedAnew } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form, TextField } from '../../ui/form.tsx';

type DisableProps = { onClose: () => void; onDone: () => void };

/** Turns the second factor off, with a code of the app or a recovery code. */
export function DisableTwoFactor({ onClose, onDone }: DisableProps) {
  const [code, setCode] = useState('');
  const [isRecovery, setRecovery] = useState(false);

  async function disable() {
    const factor = isRecovery ? { recovery_code: code.trim() } : { code: codeIn(code) };
    await confirmedAnew((confirmation) =>
      done(api.auth.self['two-factor'].disable.$post({ json: { ...factor, ...confirmation } })),
    );
    if (account.value) account.value = { ...account.value, two_factor: false };
    onDone();
  }

  return (
    <Dialog title="Turn two-factor authentication off" onClose={onClose}>
      <p>A sign-in then needs your password alone. All your other sessions end.</p>
      <Form
        action="Turn off"
        busy="Turning off…"
        isDangerous
        isIncomplete={code.trim() === ''}
        onSubmit={disable}
        onCancel={onClose}
      >
        <TextField
          key={String(isRecovery)}
          label={isRecovery ? 'Recovery code' : 'Code of your authenticator app'}
          name={isRecovery ? 'recovery_code' : 'code'}
          hint={isRecovery ? 'Like 7K2QM-X9D4T.' : 'Six digits. Each code works once.'}
          inputMode={isRecovery ? 'text' : 'numeric'}
          autoComplete="one-time-code"
          autoFocus
          value={code}
          onInput={setCode}
        />
        <button
          type="button"
          class="link"
          onClick={() => {
            setRecovery(!isRecovery);
            setCode('');
          }}
        >
          {isRecovery ? 'Use the code of your app' : 'Use a recovery code'}
        </button>
      </Form>
    </Dialog>
  );
}

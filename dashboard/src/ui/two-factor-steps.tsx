import type { InferResponseType } from 'hono/client';
import { useState } from 'preact/hooks';
import { api, body, done } from '../lib/api.ts';
import { codeIn } from '../lib/code.ts';
import { account } from '../lib/session.ts';
import { type Confirmation, confirmedAnew } from './confirm.tsx';
import { CopyButton } from './copy.tsx';
import { Form, TextField } from './form.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

export type PendingTwoFactor = InferResponseType<(typeof api.auth.self)['two-factor']['$post'], 200>;

/** Makes a secret and recovery codes. They count when the person confirms them with a code. */
export const beginTwoFactor = (): Promise<PendingTwoFactor> =>
  confirmedAnew((json: Confirmation) => body(api.auth.self['two-factor'].$post({ json })));

type StepsProps = { pending: PendingTwoFactor; onDone: () => void; onCancel?: () => void };

/** The steps of a set-up: the app, a code of the app, and recovery codes that the person stores. */
export function TwoFactorSteps({ pending, onDone, onCancel }: StepsProps) {
  const [isConfirmed, setConfirmed] = useState(false);
  return isConfirmed ? (
    <StoreCodes codes={pending.recovery_codes} onDone={onDone} />
  ) : (
    <Scan pending={pending} onDone={() => setConfirmed(true)} onCancel={onCancel} />
  );
}

type ScanProps = { pending: PendingTwoFactor; onDone: () => void; onCancel: (() => void) | undefined };

function Scan({ pending, onDone, onCancel }: ScanProps) {
  const [code, setCode] = useState('');

  async function confirm() {
    await done(api.auth.self['two-factor'].confirm.$post({ json: { code: codeIn(code) } }));
    if (account.value) account.value = { ...account.value, two_factor: true };
    onDone();
  }

  return (
    <>
      <p>
        <strong>1. Scan this code</strong> with an authenticator app, for example Aegis, 1Password or Google
        Authenticator.
      </p>
      <img
        class="qr"
        alt="QR code with the secret for your authenticator app"
        src={`data:image/svg+xml,${encodeURIComponent(pending.qr_svg)}`}
      />
      <p class="quiet small">Your app cannot scan it? Type this secret:</p>
      <div class="row">
        <code class="secret" data-testid="secret">
          {pending.secret.match(/.{1,4}/g)?.map((four, index) => (
            <span class="four" key={`${index} ${four}`}>
              {four}
            </span>
          ))}
        </code>
        <CopyButton text={pending.secret} label="Copy the secret" />
      </div>
      <p class="next">
        <strong>2. Type the code</strong> that the app shows now.
      </p>
      <Form
        action="Turn two-factor on"
        busy="Checking…"
        isIncomplete={code.trim() === ''}
        onSubmit={confirm}
        onCancel={onCancel}
      >
        <TextField
          label="Code of your authenticator app"
          name="code"
          hint="Six digits. All your other sessions end."
          inputMode="numeric"
          autoComplete="one-time-code"
          value={code}
          onInput={setCode}
        />
      </Form>
    </>
  );
}

function StoreCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const [isStored, setStored] = useState(false);
  return (
    <div role="status">
      <p>
        <strong>Two-factor authentication is on.</strong> If you lose your phone, one of these codes lets you
        in. Each works once. Store them where you find them without the phone.
      </p>
      <RecoveryCodes codes={codes} />
      <label class="check next">
        <input type="checkbox" checked={isStored} onChange={() => setStored(!isStored)} />I have stored the
        recovery codes
      </label>
      <div class="actions">
        <button type="button" class="main" disabled={!isStored} onClick={onDone}>
          Done
        </button>
      </div>
    </div>
  );
}

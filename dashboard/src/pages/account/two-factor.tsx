import { useState } from 'preact/hooks';
import { account } from '../../lib/session.ts';
import { Card } from '../../ui/blocks.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { say } from '../../ui/toast.tsx';
import { beginTwoFactor, type PendingTwoFactor, TwoFactorSteps } from '../../ui/two-factor-steps.tsx';
import { DisableTwoFactor } from './disable-two-factor.tsx';
import { ShowRecoveryCodes } from './show-recovery-codes.tsx';

/** The second factor of the person: on or off. */
export function TwoFactor({ onChange }: { onChange: () => void }) {
  const isOn = account.value?.two_factor === true;
  const [pending, setPending] = useState<PendingTwoFactor>();
  const [open, setOpen] = useState<'codes' | 'disable'>();

  function changed(text: string) {
    setPending(undefined);
    setOpen(undefined);
    onChange();
    say(text);
  }

  return (
    <Card title="Two-factor authentication">
      <p>
        <span class={isOn ? 'badge good' : 'badge warn'}>{isOn ? 'On' : 'Off'}</span>{' '}
        {isOn
          ? 'A sign-in needs your password and a code of your app.'
          : 'A sign-in needs your password alone. With a second factor, a stolen password is not enough.'}
      </p>
      {isOn && !pending ? (
        <div class="row">
          <button type="button" onClick={() => setOpen('codes')}>
            Show the recovery codes
          </button>
          <button type="button" class="danger" onClick={() => setOpen('disable')}>
            Turn off
          </button>
        </div>
      ) : (
        <Form action="Set up" busy="Beginning…" onSubmit={async () => setPending(await beginTwoFactor())} />
      )}
      {pending && (
        <Dialog title="Set up two-factor authentication">
          <TwoFactorSteps
            pending={pending}
            onCancel={() => setPending(undefined)}
            onDone={() => changed('Two-factor authentication is on. All other sessions are signed out.')}
          />
        </Dialog>
      )}
      {open === 'codes' && <ShowRecoveryCodes onClose={() => setOpen(undefined)} />}
      {open === 'disable' && (
        <DisableTwoFactor
          onClose={() => setOpen(undefined)}
          onDone={() => changed('Two-factor authentication is off. All other sessions are signed out.')}
        />
      )}
    </Card>
  );
}

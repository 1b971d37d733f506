import { useState } from 'preact/hooks';
import { account, needsTwoFactor } from '../lib/session.ts';
import { Form } from '../ui/form.tsx';
import { Brand } from '../ui/shell.tsx';
import { signOut } from '../ui/sign-out.ts';
import { beginTwoFactor, type PendingTwoFactor, TwoFactorSteps } from '../ui/two-factor-steps.tsx';

/** All that a person sees who must have a second factor and has none: the service refuses everything else. */
export function TwoFactorRequiredPage() {
  const [pending, setPending] = useState<PendingTwoFactor>();

  return (
    <main class="alone">
      <Brand />
      <div class="card">
        <h1>Set up two-factor authentication</h1>
        {pending ? (
          <TwoFactorSteps
            pending={pending}
            onDone={() => {
              needsTwoFactor.value = false;
            }}
          />
        ) : (
          <>
            <p>
              This service requires a second factor. You need an app on your phone that shows codes, and two
              minutes. After that, the page that you wanted opens.
            </p>
            <Form
              action="Begin"
              busy="Beginning…"
              onSubmit={async () => setPending(await beginTwoFactor())}
            />
          </>
        )}
      </div>
      <p class="quiet small">
        Signed in as <bdi>{account.value?.email}</bdi>.{' '}
        <button type="button" class="link" onClick={signOut}>
          Sign out
        </button>
      </p>
    </main>
  );
}

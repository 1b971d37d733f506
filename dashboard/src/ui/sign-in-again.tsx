import { account, asksAgain, leave, signedInAgain } from '../lib/session.ts';
import { Dialog } from './dialog.tsx';
import { SignInForm } from './sign-in-form.tsx';

/** Asks for the password over the page, which keeps everything, when the session is over. */
export function SignInAgain() {
  if (!asksAgain.value || !account.value) return null;
  return (
    <Dialog title="Your session has ended">
      <p>Sign in again. The page goes on where you were.</p>
      <SignInForm
        email={account.value.email}
        onDone={(signedIn) => {
          const isSame = signedIn.id === account.value?.id;
          if (!isSame) leave();
          account.value = signedIn;
          if (isSame) signedInAgain();
        }}
      />
      <p class="next">
        <button type="button" class="link" onClick={leave}>
          Sign in as somebody else
        </button>
      </p>
    </Dialog>
  );
}

import { account } from '../lib/session.ts';
import { Brand } from '../ui/shell.tsx';
import { SignInForm } from '../ui/sign-in-form.tsx';

/** What a person without a session sees, at every address. After the sign-in, the page of the address follows. */
export const SignInPage = () => (
  <main class="alone">
    <Brand />
    <div class="card">
      <h1>Sign in</h1>
      <SignInForm
        intro="Use the e-mail address and the password of your account."
        onDone={(signedIn) => {
          account.value = signedIn;
        }}
      />
    </div>
    <p class="quiet small">If you forgot your password, ask an administrator of this service.</p>
  </main>
);

import { useState } from 'preact/hooks';
import { ApiError, api, body } from '../lib/api.ts';
import { codeIn } from '../lib/code.ts';
import type { Account } from '../lib/session.ts';
import { Form, TextField } from './form.tsx';

type SignInProps = {
  /** The e-mail address, when it is known who must sign in. */
  email?: string;
  /** What stands above the first step. */
  intro?: string;
  onDone: (account: Account) => void;
};

/** Asks for e-mail and password, and then for a code where the account has a second factor. */
export function SignInForm({ email: known, intro, onDone }: SignInProps) {
  const [email, setEmail] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [step, setStep] = useState<'password' | 'code' | 'recovery code'>('password');

  function second() {
    if (step === 'password') return {};
    return step === 'code' ? { code: codeIn(code) } : { recovery_code: code };
  }

  async function submit() {
    try {
      onDone(await body(api.auth.login.$post({ json: { email: email.trim(), password, ...second() } })));
    } catch (error) {
      if (error instanceof ApiError && error.code === 'two_factor_code_required') return setStep('code');
      throw error;
    }
  }

  function choose(next: typeof step) {
    setStep(next);
    setCode('');
  }

  if (step === 'password') {
    return (
      <Form action="Sign in" busy="Signing in…" onSubmit={submit} savesNothing>
        {intro && <p class="quiet">{intro}</p>}
        <TextField
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          readOnly={known !== undefined}
          autoFocus={known === undefined}
          value={email}
          onInput={setEmail}
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          autoFocus={known !== undefined}
          value={password}
          onInput={setPassword}
        />
      </Form>
    );
  }

  const isCode = step === 'code';
  return (
    <Form
      key={step}
      action="Sign in"
      busy="Signing in…"
      onSubmit={submit}
      onCancel={() => choose('password')}
      savesNothing
    >
      <p class="quiet">The password is right. One more step: your second factor.</p>
      <TextField
        label={isCode ? 'Code of your authenticator app' : 'Recovery code'}
        name={isCode ? 'code' : 'recovery_code'}
        hint={isCode ? 'Six digits. Each code works once.' : 'Like 7K2QM-X9D4T. Each code works once.'}
        inputMode={isCode ? 'numeric' : 'text'}
        autoComplete="one-time-code"
        autoFocus
        value={code}
        onInput={setCode}
      />
      <button type="button" class="link" onClick={() => choose(isCode ? 'recovery code' : 'code')}>
        {isCode ? 'Use a recovery code' : 'Use the code of your app'}
      </button>
    </Form>
  );
}

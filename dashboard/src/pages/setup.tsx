import { useState } from 'preact/hooks';
import { ApiError, api, body } from '../lib/api.ts';
import { hrefOf } from '../lib/router.ts';
import { account } from '../lib/session.ts';
import { useLoad } from '../lib/use-load.ts';
import { Shown } from '../ui/blocks.tsx';
import { Form, TextField } from '../ui/form.tsx';
import { Brand } from '../ui/shell.tsx';
import { SetUpDone } from './setup-done.tsx';

/** Sets up the first administrator: with nothing at first, or with a managing key where one exists. */
export function SetupPage() {
  const [status, reload] = useLoad(() => body(api.auth.setup.$get()), []);
  const [made, setMade] = useState<{ rawKey: string | undefined }>();
  if (made) return <SetUpDone rawKey={made.rawKey} />;
  return (
    <main class="alone">
      <Brand />
      <Shown of={status} retry={reload}>
        {({ needs_setup: needsSetup, needs_key: needsKey }) =>
          needsSetup ? (
            <SetUpForm needsKey={needsKey} onDone={(rawKey) => setMade({ rawKey })} />
          ) : (
            <div class="card">
              <h1>Keyhearth is set up</h1>
              <p>There is an administrator already. If you need an account, ask them for an invitation.</p>
              <a class="button main" href={hrefOf('/')}>
                {account.value ? 'Go to the overview' : 'Sign in'}
              </a>
            </div>
          )
        }
      </Shown>
    </main>
  );
}

type SetUpFormProps = { needsKey: boolean; onDone: (rawKey: string | undefined) => void };

function SetUpForm({ needsKey, onDone }: SetUpFormProps) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [key, setKey] = useState('');
  const [token, setToken] = useState('');
  const [needsToken, setNeedsToken] = useState(false);

  async function submit() {
    const headers = {
      ...(needsKey ? { 'X-API-Key': key.trim() } : {}),
      ...(token === '' ? {} : { 'X-Bootstrap-Token': token.trim() }),
    };
    try {
      const json = { email: email.trim(), password, name };
      const made = await body(api.auth.setup.$post({ json, header: {} }, { headers }));
      account.value = made.account;
      onDone(made.raw_key);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'invalid_bootstrap_token') setNeedsToken(true);
      throw error;
    }
  }

  return (
    <div class="card">
      <h1>Set up Keyhearth</h1>
      <p class="quiet">You become the first administrator. This works once.</p>
      <Form action="Set up" busy="Setting up…" onSubmit={submit}>
        {needsKey && (
          <TextField
            label="API key"
            name="key"
            hint="A key with the scope *, such as the first key of this service."
            type="password"
            autoComplete="off"
            value={key}
            onInput={setKey}
          />
        )}
        {needsToken && (
          <TextField
            label="Bootstrap token"
            name="token"
            hint="The value of KEYHEARTH_BOOTSTRAP_TOKEN. The operator of the service knows it."
            type="password"
            autoComplete="off"
            value={token}
            onInput={setToken}
          />
        )}
        <TextField
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          value={email}
          onInput={setEmail}
        />
        <TextField label="Your name" name="name" autoComplete="name" value={name} onInput={setName} />
        <TextField
          label="Password"
          name="password"
          hint="At least 12 characters. A few random words are a good password."
          type="password"
          autoComplete="new-password"
          value={password}
          onInput={setPassword}
        />
      </Form>
    </div>
  );
}

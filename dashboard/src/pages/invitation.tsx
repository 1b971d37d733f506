import { useEffect, useState } from 'preact/hooks';
import { ApiError, api, body } from '../lib/api.ts';
import { go, hrefOf } from '../lib/router.ts';
import { account } from '../lib/session.ts';
import { Form, TextField } from '../ui/form.tsx';
import { NewPassword } from '../ui/new-password.tsx';
import { Brand } from '../ui/shell.tsx';
import { say } from '../ui/toast.tsx';

/** What follows `#` in the link. Browsers do not send it, so no log on the way has it. */
const tokenInAddress = () => window.location.hash.slice(1);

/** Where an invited person chooses a password. Nothing is sent before that. */
export function InvitationPage() {
  const [token, setToken] = useState(tokenInAddress);
  const [isDead, setDead] = useState(false);
  useEffect(() => {
    function read() {
      setToken(tokenInAddress());
      setDead(false);
    }
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);

  return (
    <main class="alone">
      <Brand />
      <div class="card">
        {token === '' ? (
          <Incomplete />
        ) : isDead ? (
          <Dead />
        ) : (
          <Accept token={token} onDead={() => setDead(true)} />
        )}
      </div>
    </main>
  );
}

function Accept({ token, onDead }: { token: string; onDead: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');

  async function accept() {
    try {
      account.value = await body(api.auth['accept-invitation'].$post({ json: { token, name, password } }));
    } catch (error) {
      if (error instanceof ApiError && error.code === 'invalid_invitation') return onDead();
      throw error;
    }
    // The link is used, so it need not stay in the history of the browser.
    go('/', 'replace');
    say('Your account is ready, and you are signed in.');
  }

  return (
    <>
      <h1>Accept your invitation</h1>
      <p class="quiet">
        Choose a name and a password. You sign in with your e-mail address and this password.
      </p>
      {account.value && (
        <p class="message warn">
          You are signed in as <bdi>{account.value.email}</bdi>. When you accept, this browser is signed in as
          the new account instead. If the invitation is not for you, do not accept it.
        </p>
      )}
      <Form action="Accept and sign in" busy="Accepting…" onSubmit={accept}>
        <TextField
          label="Your name"
          name="name"
          hint="Others see it in the list of accounts. You may leave it empty."
          autoComplete="name"
          autoFocus
          value={name}
          onInput={setName}
        />
        <NewPassword value={password} onInput={setPassword} />
      </Form>
    </>
  );
}

const Dead = () => (
  <div role="alert">
    <h1>This link no longer works</h1>
    <p>An invitation works once, for 7 days, and an administrator can take it back.</p>
    <p>If you have accepted it before, sign in. If not, ask the administrator for a new link.</p>
    <GoOn />
  </div>
);

const Incomplete = () => (
  <>
    <h1>This link is not complete</h1>
    <p>Part of the link is missing after the #. Open the whole link, as the administrator sent it.</p>
    <GoOn />
  </>
);

const GoOn = () => (
  <a class="button" href={hrefOf('/')}>
    {account.value ? 'Go to the overview' : 'Go to the sign-in'}
  </a>
);

import { useState } from 'preact/hooks';
import { api, done } from '../../lib/api.ts';
import { account } from '../../lib/session.ts';
import { Card } from '../../ui/blocks.tsx';
import { Form, TextField } from '../../ui/form.tsx';
import { NewPassword } from '../../ui/new-password.tsx';
import { say } from '../../ui/toast.tsx';

export function ChangePassword({ onDone }: { onDone: () => void }) {
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');

  async function change() {
    await done(api.auth.self.password.$post({ json: { current_password: current, password } }));
    setCurrent('');
    setPassword('');
    onDone();
    say('Your password is changed. All other sessions are signed out.');
  }

  return (
    <Card title="Password">
      <p>When you change it, all your other sessions and access tokens end. This browser stays signed in.</p>
      <Form
        action="Change the password"
        busy="Changing…"
        isIncomplete={current === '' || password === ''}
        onSubmit={change}
      >
        {/* For password managers, which store the new password with it. */}
        <input type="hidden" name="username" autoComplete="username" value={account.value?.email} />
        <TextField
          label="Current password"
          name="current_password"
          type="password"
          autoComplete="current-password"
          value={current}
          onInput={setCurrent}
        />
        <NewPassword label="New password" value={password} onInput={setPassword} />
      </Form>
    </Card>
  );
}

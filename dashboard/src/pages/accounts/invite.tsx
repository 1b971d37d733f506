import type { InferResponseType } from 'hono/client';
import { useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { ORIGIN } from '../../lib/base.ts';
import { leaveBy } from '../../lib/leaving.ts';
import { useGuard } from '../../lib/use-guard.ts';
import { relative } from '../../lib/words.ts';
import { confirmed } from '../../ui/confirm.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form, TextField } from '../../ui/form.tsx';
import { type Grant, GrantFields, grantOf } from '../../ui/grant-fields.tsx';

type Made = InferResponseType<typeof api.auth.invitations.$post, 201>;

/** Invites a person, and shows the link once. */
export function Invite({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const [email, setEmail] = useState('');
  const [grant, setGrant] = useState<Grant>({ role: 'member', scopes: [] });
  const [made, setMade] = useState<Made>();

  async function invite() {
    const json = { email: email.trim(), ...grantOf(grant) };
    setMade(
      await confirmed((confirmation) =>
        body(api.auth.invitations.$post({ json: { ...json, ...confirmation } })),
      ),
    );
    onMade();
  }

  if (made)
    return (
      <Dialog title="Pass this link on">
        <LinkOnce of={made} />
        <div class="actions">
          <button type="button" onClick={() => leaveBy(onClose)}>
            Done
          </button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title="Invite a person" isWide onClose={onClose}>
      <Form action="Make the link" busy="Making the link…" onSubmit={invite} onCancel={onClose}>
        <TextField
          label="E-mail address"
          name="email"
          type="email"
          hint="Keyhearth sends no e-mail. You get a link to pass on."
          autoComplete="off"
          autoFocus
          value={email}
          onInput={setEmail}
        />
        <GrantFields value={grant} onInput={setGrant} />
      </Form>
    </Dialog>
  );
}

/** The browser knows where the dashboard is. Behind a proxy, the service may not. */
const linkWith = (token: string) => `${ORIGIN}/dashboard/invitation#${token}`;

function LinkOnce({ of: { email, token, expires_at } }: { of: Made }) {
  const save = useGuard('link');
  const url = linkWith(token);
  return (
    <>
      <p>
        Send this link to <bdi>{email}</bdi>. It works once, and expires {relative(expires_at)}.{' '}
        <strong>Keyhearth shows it once.</strong>
      </p>
      <code class="secret" data-testid="invitation-link" onCopy={save}>
        {url}
      </code>
      <div class="actions">
        <CopyButton text={url} label="Copy the link" isMain onCopied={save} />
      </div>
    </>
  );
}

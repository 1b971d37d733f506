import { useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { go } from '../../lib/router.ts';
import { account as me } from '../../lib/session.ts';
import { confirmed, confirmedAnew } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form, TextField } from '../../ui/form.tsx';
import { type Grant, GrantFields, grantOf } from '../../ui/grant-fields.tsx';
import type { AboutAccount } from './account-table.tsx';

const isSame = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((scope) => b.includes(scope));

/** Changes the name, the role and the scopes. Only what changed is sent: a name alone needs no password. */
export function ChangeAccount({ account, onClose, onDone }: AboutAccount) {
  const { id, email, is_approved: isApproved } = account;
  const [name, setName] = useState(account.name);
  const [grant, setGrant] = useState<Grant>({ role: account.role, scopes: account.scopes });

  async function change() {
    const isGranted = grant.role !== account.role || !isSame(grant.scopes, account.scopes);
    const json = { ...(name !== account.name && { name }), ...(isGranted && grantOf(grant)) };
    const confirm = grant.role === account.role ? confirmed : confirmedAnew;
    const changed = await confirm((confirmation) =>
      body(api.auth.accounts[':id'].$patch({ param: { id }, json: { ...json, ...confirmation } })),
    );
    onDone('The account is changed.');
    if (id !== me.value?.id) return;
    me.value = changed;
    if (changed.role !== 'admin') go('/');
  }

  return (
    <Dialog title="Change the account" isWide onClose={onClose}>
      <p class="quiet">
        <bdi>{email}</bdi>
      </p>
      <Form action="Save" busy="Saving…" onSubmit={change} onCancel={onClose}>
        <TextField label="Name" name="name" autoComplete="off" value={name} onInput={setName} />
        {isApproved ? (
          <GrantFields value={grant} onInput={setGrant} />
        ) : (
          <p class="message">Approve the account before you change its role or scopes.</p>
        )}
        {isApproved && <p class="quiet small">Its keys keep only the scopes that the account still holds.</p>}
      </Form>
    </Dialog>
  );
}

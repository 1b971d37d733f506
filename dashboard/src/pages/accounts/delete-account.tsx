import { useState } from 'preact/hooks';
import { api, body, done } from '../../lib/api.ts';
import { leave, account as me } from '../../lib/session.ts';
import { useLoad } from '../../lib/use-load.ts';
import { confirmed } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Form, TextField } from '../../ui/form.tsx';
import type { AboutAccount } from './account-table.tsx';

/** Deletes an account. The person chooses what happens to its keys, and types its e-mail address. */
export function DeleteAccount({ account, onClose, onDone }: AboutAccount) {
  const { id, email } = account;
  const [others] = useLoad(async () => {
    const { accounts } = await body(api.auth.accounts.$get());
    return accounts.filter((each) => each.id !== id && each.is_approved);
  }, []);
  const [fate, setFate] = useState<'delete' | 'hand over'>('delete');
  const [to, setTo] = useState('');
  const [typed, setTyped] = useState('');
  const isMe = id === me.value?.id;

  async function remove() {
    const query = fate === 'delete' ? { keys: 'delete' as const } : { keys_to: to };
    await confirmed((json) => done(api.auth.accounts[':id'].$delete({ param: { id }, query, json })));
    if (isMe) return leave();
    onDone('The account is deleted.');
  }

  return (
    <Dialog title="Delete this account?" onClose={onClose}>
      <p>
        <bdi>{email}</bdi> can no longer sign in, and all sessions of the account end. You cannot undo this.
        {isMe && <strong> This is your own account.</strong>}
      </p>
      <Form
        action="Delete the account"
        busy="Deleting…"
        isDangerous
        isIncomplete={typed.trim().toLowerCase() !== email || (fate === 'hand over' && to === '')}
        onSubmit={remove}
        onCancel={onClose}
      >
        <fieldset class="field">
          <legend>The keys of the account</legend>
          <label class="check">
            <input type="radio" name="fate" checked={fate === 'delete'} onChange={() => setFate('delete')} />
            <span>
              Delete them <span class="quiet small">Programs that use them are refused at once.</span>
            </span>
          </label>
          <label class="check">
            <input
              type="radio"
              name="fate"
              checked={fate === 'hand over'}
              onChange={() => setFate('hand over')}
            />
            <span>
              Hand them over to another account{' '}
              <span class="quiet small">They keep only the scopes that the other account holds.</span>
            </span>
          </label>
        </fieldset>
        {fate === 'hand over' && (
          <Field label="Account that gets the keys" name="keys_to">
            {(attributes) => (
              <select {...attributes} value={to} onChange={({ currentTarget }) => setTo(currentTarget.value)}>
                <option value="">Choose an account</option>
                {(others.value ?? []).map((each) => (
                  <option key={each.id} value={each.id}>
                    {each.email}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        <TextField
          label={`Type ${email} to confirm`}
          name="confirmation"
          autoComplete="off"
          value={typed}
          onInput={setTyped}
        />
      </Form>
    </Dialog>
  );
}

import { useState } from 'preact/hooks';
import { api, body, done } from '../../lib/api.ts';
import { leave, account as me } from '../../lib/session.ts';
import { useLoad } from '../../lib/use-load.ts';
import { count } from '../../lib/words.ts';
import { confirmed } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Form, TextField } from '../../ui/form.tsx';
import type { AboutAccount } from './account-table.tsx';

/** So many keys are counted. */
const MOST = 100;

type Fate = 'delete' | 'hand over';

/** Deletes an account. The person chooses what happens to its keys, and types its e-mail address. */
export function DeleteAccount({ account, onClose, onDone }: AboutAccount) {
  const { id, email } = account;
  const [others] = useLoad(async () => {
    const { accounts } = await body(api.auth.accounts.$get());
    return accounts.filter((each) => each.id !== id && each.is_approved);
  }, []);
  const [keys] = useLoad(() => keysOf(id), []);
  const [chosen, setFate] = useState<Fate>();
  const [to, setTo] = useState('');
  const [typed, setTyped] = useState('');
  const isMe = id === me.value?.id;
  const hasNone = keys.value?.number === 0;
  // Without keys, there is nothing to choose.
  const fate = hasNone ? 'delete' : chosen;
  const only = others.value?.length === 1 ? others.value[0] : undefined;
  const heir = to === '' ? (only?.id ?? '') : to;

  async function remove() {
    const query = fate === 'delete' ? { keys: 'delete' as const } : { keys_to: heir };
    await confirmed((json) => done(api.auth.accounts[':id'].$delete({ param: { id }, query, json })));
    if (isMe) return leave();
    onDone(`The account is deleted.${wordsFor(fate, keys.value, heir === me.value?.id)}`);
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
        isIncomplete={
          typed.trim().toLowerCase() !== email || fate === undefined || (fate === 'hand over' && heir === '')
        }
        onSubmit={remove}
        onCancel={onClose}
      >
        {hasNone ? <p>The account has no keys.</p> : <Fates keys={keys.value} fate={fate} choose={setFate} />}
        {fate === 'hand over' && (
          <Field label="Account that gets the keys" name="keys_to">
            {(attributes) => (
              <select
                {...attributes}
                value={heir}
                onChange={({ currentTarget }) => setTo(currentTarget.value)}
              >
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

type Keys = { number: number; isMore: boolean };

async function keysOf(id: string): Promise<Keys> {
  const page = await body(api.auth.keys.$get({ query: { account_id: id, limit: String(MOST) } }));
  return { number: page.keys.length, isMore: page.next_cursor !== undefined };
}

/** What became of the keys, for the message. */
function wordsFor(fate: Fate | undefined, keys: Keys | undefined, isMine: boolean): string {
  if (!keys || keys.number === 0) return '';
  const what = keys.isMore ? ' Its keys' : ` ${count(keys.number, 'key')}`;
  const isOne = keys.number === 1;
  if (fate === 'delete') return `${what} ${isOne ? 'is' : 'are'} deleted.`;
  return `${what} now ${isOne ? 'belongs' : 'belong'} to ${isMine ? 'you' : 'the other account'}.`;
}

type FatesProps = { keys: Keys | undefined; fate: Fate | undefined; choose: (fate: Fate) => void };

const Fates = ({ keys, fate, choose }: FatesProps) => (
  <fieldset class="field">
    <legend>
      The keys of the account
      {keys && `: ${keys.isMore ? `more than ${keys.number}` : keys.number}`}
    </legend>
    <label class="check">
      <input type="radio" name="fate" checked={fate === 'hand over'} onChange={() => choose('hand over')} />
      <span>
        Hand them over to another account{' '}
        <span class="quiet small">They keep only the scopes that the other account holds.</span>
      </span>
    </label>
    <label class="check">
      <input type="radio" name="fate" checked={fate === 'delete'} onChange={() => choose('delete')} />
      <span>
        Delete them <span class="quiet small">Programs that use them are refused at once.</span>
      </span>
    </label>
  </fieldset>
);

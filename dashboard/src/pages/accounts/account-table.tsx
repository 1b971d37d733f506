import { useState } from 'preact/hooks';
import type { Account } from '../../lib/people.ts';
import { callOf, ROLE_NAMES } from '../../lib/people.ts';
import { hrefOf } from '../../lib/router.ts';
import { account as me } from '../../lib/session.ts';
import { Name } from '../../ui/blocks.tsx';
import { When } from '../../ui/key-status.tsx';
import { ScopeChips } from '../../ui/scope-chips.tsx';
import { ApproveAccount } from './approve-account.tsx';
import { ChangeAccount } from './change-account.tsx';
import { DeleteAccount } from './delete-account.tsx';
import { RemoveSecondFactor } from './remove-second-factor.tsx';

/** What a dialog about an account gets. */
export type AboutAccount = {
  account: Account;
  onClose: () => void;
  /** Called after a change, with the words for it. */
  onDone: (text: string) => void;
};

const DIALOGS = {
  approve: ApproveAccount,
  change: ChangeAccount,
  removeSecondFactor: RemoveSecondFactor,
  delete: DeleteAccount,
};

type Open = { what: keyof typeof DIALOGS; account: Account };

type TableProps = { accounts: readonly Account[]; onChange: (text: string) => void };

export function AccountTable({ accounts, onChange }: TableProps) {
  const [open, setOpen] = useState<Open>();
  const About = open && DIALOGS[open.what];

  return (
    <>
      <div class="scroll">
        <table class="folds">
          <thead>
            <tr>
              <th scope="col">Person</th>
              <th scope="col">Role</th>
              <th scope="col">Scopes</th>
              <th scope="col">Second factor</th>
              <th scope="col">Last sign-in</th>
            </tr>
          </thead>
          <tbody>
            {accounts.map((account) => (
              <Row key={account.id} account={account} open={(what) => setOpen({ what, account })} />
            ))}
          </tbody>
        </table>
      </div>
      {open && About && (
        <About
          account={open.account}
          onClose={() => setOpen(undefined)}
          onDone={(text) => {
            setOpen(undefined);
            onChange(text);
          }}
        />
      )}
    </>
  );
}

function Row({ account, open }: { account: Account; open: (what: Open['what']) => void }) {
  const isMe = account.id === me.value?.id;
  const call = callOf(account);
  return (
    <tr>
      <th scope="row">
        <span class="clip">
          <Name none="">{call}</Name>
        </span>
        {call !== account.email && (
          <span class="quiet small">
            <bdi>{account.email}</bdi>
          </span>
        )}{' '}
        {isMe && <span class="badge">you</span>}
        {!account.is_approved && <span class="badge warn">waits for approval</span>}
        <div class="tools">
          {!account.is_approved && <Action text="Approve" of={call} onClick={() => open('approve')} />}
          <Action text="Change" of={call} onClick={() => open('change')} />
          <a href={hrefOf(`/keys?account_id=${account.id}`)}>
            Keys<span class="hidden"> of {call}</span>
          </a>
          {account.two_factor && !isMe && (
            <Action text="Remove second factor" of={call} onClick={() => open('removeSecondFactor')} />
          )}
          <Action text="Delete" of={call} onClick={() => open('delete')} />
        </div>
      </th>
      <td class="tight" data-label="Role">
        {ROLE_NAMES[account.role]}
      </td>
      <td data-label="Scopes">
        {account.role === 'admin' ? 'everything' : <ScopeChips of={account.scopes} />}
      </td>
      <td class="tight" data-label="Second factor">
        {account.two_factor ? 'on' : <span class="quiet">off</span>}
      </td>
      <td class="tight" data-label="Last sign-in">
        <When at={account.last_sign_in_at} never="never" />
      </td>
    </tr>
  );
}

type ActionProps = { text: string; of: string; onClick: () => void };

const Action = ({ text, of, onClick }: ActionProps) => (
  <button type="button" class="link" onClick={onClick}>
    {text}
    <span class="hidden"> {of}</span>
  </button>
);

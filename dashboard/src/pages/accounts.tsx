import { useState } from 'preact/hooks';
import { api, body } from '../lib/api.ts';
import { place } from '../lib/router.ts';
import { useLoad } from '../lib/use-load.ts';
import { Empty, PageHead, Shown } from '../ui/blocks.tsx';
import { TextFilter } from '../ui/filter.tsx';
import { say } from '../ui/toast.tsx';
import { AccountTable } from './accounts/account-table.tsx';
import { Invitations } from './accounts/invitations.tsx';
import { Invite } from './accounts/invite.tsx';

/** So many rows stay quick. A service with more accounts has a filter. */
const SHOWN = 200;

/** The people who can sign in, and those who are invited: for admins. */
export function AccountsPage() {
  const [accounts, reload] = useLoad(async () => (await body(api.auth.accounts.$get())).accounts, []);
  const [invitations, reloadInvitations] = useLoad(
    async () => (await body(api.auth.invitations.$get())).invitations,
    [],
  );
  const [isInviting, setInviting] = useState(false);
  const wanted = (place.value.query.get('find') ?? '').toLowerCase();

  return (
    <>
      <PageHead title="Accounts" intro="The people who can sign in.">
        <button type="button" class="main" onClick={() => setInviting(true)}>
          Invite a person
        </button>
      </PageHead>
      <Shown of={accounts} retry={reload}>
        {(all) => {
          const found = all
            .filter(({ name, email }) => `${name} ${email}`.toLowerCase().includes(wanted))
            .sort((a, b) => Number(a.is_approved) - Number(b.is_approved));
          return (
            <>
              {all.length > 5 && (
                <search class="filters one" aria-label="Filter the accounts">
                  <TextFilter label="Name or e-mail address" name="find" />
                </search>
              )}
              {found.length === 0 ? (
                <div class="card">
                  <Empty title="No account matches">
                    <p>Change the filter.</p>
                  </Empty>
                </div>
              ) : (
                <AccountTable
                  accounts={found.slice(0, SHOWN)}
                  onChange={(text) => {
                    reload();
                    say(text);
                  }}
                />
              )}
              {found.length > SHOWN && (
                <p class="quiet">
                  These are the first {SHOWN} of {found.length}. Filter to see others.
                </p>
              )}
            </>
          );
        }}
      </Shown>
      <Invitations of={invitations} reload={reloadInvitations} />
      {isInviting && <Invite onMade={reloadInvitations} onClose={() => setInviting(false)} />}
    </>
  );
}

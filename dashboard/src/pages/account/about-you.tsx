import { hrefOf } from '../../lib/router.ts';
import { meaningOf } from '../../lib/scopes.ts';
import { account } from '../../lib/session.ts';
import { date } from '../../lib/words.ts';
import { Card, Name } from '../../ui/blocks.tsx';

const ROLES = {
  admin: 'Admin: you manage all keys, accounts and invitations.',
  member: 'Member: you manage your own keys.',
};

/** Who is signed in, and what they may do. */
export function AboutYou() {
  const me = account.value;
  if (!me) return null;
  return (
    <Card title="You">
      <dl class="facts">
        <dt>Name</dt>
        <dd>
          <Name none="No name">{me.name}</Name>
        </dd>
        <dt>E-mail address</dt>
        <dd>
          <bdi>{me.email}</bdi>
        </dd>
        <dt>Role</dt>
        <dd>{ROLES[me.role]}</dd>
        <dt>Scopes</dt>
        <dd>
          <Scopes of={me.scopes} />
        </dd>
        <dt>Account since</dt>
        <dd>{date(me.created_at)}</dd>
      </dl>
      {!me.is_approved && (
        <p class="message warn">
          Your account waits for an approval. Until an administrator approves it, your keys are not valid for
          the services behind Keyhearth.
        </p>
      )}
      <p class="quiet small next">
        {me.role === 'member' ? (
          'An administrator changes your name, role and scopes.'
        ) : (
          <>
            You change your name and role under <a href={hrefOf('/accounts')}>Accounts</a>.
          </>
        )}
      </p>
    </Card>
  );
}

const Scopes = ({ of }: { of: readonly string[] }) =>
  of.length === 0 ? (
    <>None: your keys can only be verified.</>
  ) : (
    <ul class="plain">
      {of.map((scope) => (
        <li key={scope}>
          <span class="chip">{scope}</span> <span class="quiet small">{meaningOf(scope)}</span>
        </li>
      ))}
    </ul>
  );

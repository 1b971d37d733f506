import { useState } from 'preact/hooks';
import { api, done } from '../../lib/api.ts';
import { type Invitation, ROLE_NAMES } from '../../lib/people.ts';
import type { Loaded } from '../../lib/use-load.ts';
import { Shown } from '../../ui/blocks.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { When } from '../../ui/key-status.tsx';
import { ScopeChips } from '../../ui/scope-chips.tsx';
import { say } from '../../ui/toast.tsx';

type InvitationsProps = { of: Loaded<readonly Invitation[]>; reload: () => void };

/** The invitations that somebody can still accept. */
export function Invitations({ of, reload }: InvitationsProps) {
  const [back, setBack] = useState<Invitation>();
  return (
    <section class="part" aria-label="Open invitations">
      <h2>Open invitations</h2>
      <Shown of={of} retry={reload}>
        {(invitations) =>
          invitations.length === 0 ? (
            <p class="quiet">Nobody is invited at present.</p>
          ) : (
            <Table of={invitations} takeBack={setBack} />
          )
        }
      </Shown>
      {back && (
        <TakeBack
          invitation={back}
          onClose={() => setBack(undefined)}
          onDone={() => {
            setBack(undefined);
            reload();
            say('The invitation is taken back. Its link no longer works.');
          }}
        />
      )}
    </section>
  );
}

type InvitationTableProps = { of: readonly Invitation[]; takeBack: (invitation: Invitation) => void };

const Table = ({ of, takeBack }: InvitationTableProps) => (
  <div class="scroll">
    <table class="folds">
      <thead>
        <tr>
          <th scope="col">E-mail address</th>
          <th scope="col">Role</th>
          <th scope="col">Scopes</th>
          <th scope="col">Invited</th>
          <th scope="col">Expires</th>
          <th scope="col">
            <span class="hidden">Action</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {of.map((invitation) => (
          <tr key={invitation.id}>
            <th scope="row">
              <bdi>{invitation.email}</bdi>
            </th>
            <td class="tight" data-label="Role">
              {ROLE_NAMES[invitation.role]}
            </td>
            <td data-label="Scopes">
              {invitation.role === 'admin' ? 'everything' : <ScopeChips of={invitation.scopes} />}
            </td>
            <td class="tight" data-label="Invited">
              <When at={invitation.created_at} never="" />
            </td>
            <td class="tight" data-label="Expires">
              <When at={invitation.expires_at} never="" />
            </td>
            <td class="tight">
              <button type="button" class="small" onClick={() => takeBack(invitation)}>
                Take back<span class="hidden"> the invitation of {invitation.email}</span>
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

type TakeBackProps = { invitation: Invitation; onClose: () => void; onDone: () => void };

const TakeBack = ({ invitation: { id, email }, onClose, onDone }: TakeBackProps) => (
  <Dialog title="Take the invitation back?" onClose={onClose}>
    <p>
      The link for <bdi>{email}</bdi> no longer works then. You can invite this person again.
    </p>
    <Form
      action="Take back"
      busy="Taking back…"
      isDangerous
      onSubmit={async () => {
        await done(api.auth.invitations[':id'].$delete({ param: { id: String(id) } }));
        onDone();
      }}
      onCancel={onClose}
    />
  </Dialog>
);

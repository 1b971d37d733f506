import { api, done } from '../../lib/api.ts';
import { confirmedAnew } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import type { AboutAccount } from './account-table.tsx';

export const RemoveSecondFactor = ({ account: { id, email }, onClose, onDone }: AboutAccount) => (
  <Dialog title="Remove the second factor?" onClose={onClose}>
    <p>
      Do this when <bdi>{email}</bdi> has lost the phone and the recovery codes. Make sure that the request
      comes from this person: afterwards the password alone is enough to sign in. All sessions of the account
      end.
    </p>
    <Form
      action="Remove the second factor"
      busy="Removing…"
      isDangerous
      onSubmit={async () => {
        await confirmedAnew((json) =>
          done(api.auth.accounts[':id']['two-factor'].$delete({ param: { id }, json })),
        );
        onDone('The second factor is removed.');
      }}
      onCancel={onClose}
    />
  </Dialog>
);

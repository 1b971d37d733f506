import { api, done } from '../../lib/api.ts';
import { confirmed } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import type { AboutAccount } from './account-table.tsx';

export const ApproveAccount = ({ account: { id, email }, onClose, onDone }: AboutAccount) => (
  <Dialog title="Approve this account?" onClose={onClose}>
    <p>
      <bdi>{email}</bdi> registered without an invitation. After the approval, the keys of this account are
      valid everywhere. You can grant scopes then.
    </p>
    <Form
      action="Approve"
      busy="Approving…"
      onSubmit={async () => {
        await confirmed((json) => done(api.auth.accounts[':id'].approve.$post({ param: { id }, json })));
        onDone('The account is approved.');
      }}
      onCancel={onClose}
    />
  </Dialog>
);

import { useEffect, useRef, useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { isDeclared, type Key, nameOf } from '../../lib/key.ts';
import { confirmed } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { say } from '../../ui/toast.tsx';
import { DeleteKey } from './delete-key.tsx';
import { RotateKey } from './rotate-key.tsx';

type ActionsProps = { of: Key; reload: () => void; onEdit: () => void };

let wasEdited = false;

/** What can be done with a key. */
export function KeyActions({ of: key, reload, onEdit }: ActionsProps) {
  const [open, setOpen] = useState<'rotate' | 'activate' | 'deactivate' | 'delete'>();
  const edit = useRef<HTMLButtonElement>(null);
  const close = () => setOpen(undefined);
  const isOurs = !isDeclared(key);
  // The form took the place of the buttons, so the focus comes back here.
  useEffect(() => {
    if (wasEdited) edit.current?.focus();
    wasEdited = false;
  }, []);

  return (
    <>
      <button
        type="button"
        ref={edit}
        onClick={() => {
          wasEdited = true;
          onEdit();
        }}
      >
        Edit
      </button>
      {isOurs && key.status === 'active' && key.rotated_to === null && (
        <button type="button" onClick={() => setOpen('rotate')}>
          Rotate
        </button>
      )}
      {isOurs && (
        <button type="button" onClick={() => setOpen(key.is_active ? 'deactivate' : 'activate')}>
          {key.is_active ? 'Deactivate' : 'Activate'}
        </button>
      )}
      {(isOurs || !key.is_active) && (
        <button type="button" class="danger" onClick={() => setOpen('delete')}>
          Delete
        </button>
      )}
      {open === 'rotate' && <RotateKey of={key} onClose={close} />}
      {open === 'activate' && <Activate of={key} reload={reload} onClose={close} />}
      {open === 'deactivate' && <Deactivate of={key} reload={reload} onClose={close} />}
      {open === 'delete' && <DeleteKey of={key} onClose={close} />}
    </>
  );
}

type SwitchProps = { of: Key; reload: () => void; onClose: () => void };

function Deactivate({ of: key, reload, onClose }: SwitchProps) {
  async function deactivate() {
    await body(api.auth.keys[':id'].deactivate.$post({ param: { id: String(key.id) } }));
    say('Deactivated.');
    reload();
    onClose();
  }

  return (
    <Dialog title="Deactivate the key" onClose={onClose}>
      <p>
        Every program that uses <bdi class="name">{nameOf(key)}</bdi> is refused at once. You can activate it
        again.
      </p>
      <Form action="Deactivate" busy="Deactivating…" isDangerous onSubmit={deactivate} onCancel={onClose} />
    </Dialog>
  );
}

function Activate({ of: key, reload, onClose }: SwitchProps) {
  async function activate() {
    const after = await confirmed((json) =>
      body(api.auth.keys[':id'].activate.$post({ param: { id: String(key.id) }, json })),
    );
    say(after.status === 'expired' ? 'Activated, but the key has expired.' : 'Activated.');
    reload();
    onClose();
  }

  return (
    <Dialog title="Activate the key" onClose={onClose}>
      <p>
        Programs that use <bdi class="name">{nameOf(key)}</bdi> are let in again
        {key.expires_at !== null && ', until it expires'}.
      </p>
      <Form action="Activate" busy="Activating…" onSubmit={activate} onCancel={onClose} />
    </Dialog>
  );
}

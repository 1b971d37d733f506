import { useState } from 'preact/hooks';
import { api, done } from '../../lib/api.ts';
import { type Key, nameOf } from '../../lib/key.ts';
import { go } from '../../lib/router.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Form, TextField } from '../../ui/form.tsx';
import { say } from '../../ui/toast.tsx';

/** Nobody can undo a deletion, so the person types the name first. */
export function DeleteKey({ of: key, onClose }: { of: Key; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const name = nameOf(key);
  const isSame = typed.trim().normalize() === name.trim().normalize();

  async function remove() {
    await done(api.auth.keys[':id'].$delete({ param: { id: String(key.id) } }));
    onClose();
    say(`Deleted “${name}”.`);
    go('/keys', 'replace');
  }

  return (
    <Dialog title="Delete the key" onClose={onClose}>
      <p>
        Every program that uses it is refused at once, and <strong>nobody can undo this</strong>. To stop it
        for a time, deactivate it instead.
      </p>
      <Form
        action="Delete the key"
        busy="Deleting…"
        isDangerous
        isIncomplete={!isSame}
        onSubmit={remove}
        onCancel={onClose}
      >
        <TextField
          label="Type the name of the key"
          name="name"
          hint={<bdi class="name">{name}</bdi>}
          autoComplete="off"
          autoFocus
          value={typed}
          onInput={setTyped}
        />
      </Form>
    </Dialog>
  );
}

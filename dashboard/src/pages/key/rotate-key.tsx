import { useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { freshKey } from '../../lib/fresh-key.ts';
import type { Key } from '../../lib/key.ts';
import { go } from '../../lib/router.ts';
import { confirmed } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Form } from '../../ui/form.tsx';

const GRACES = [
  ['0s', 'Not at all: it has leaked'],
  ['1h', 'For 1 hour'],
  ['24h', 'For 24 hours'],
  ['7d', 'For 7 days'],
  ['30d', 'For 30 days'],
] as const;

/** Makes a successor. Its page then shows the new raw key. */
export function RotateKey({ of: key, onClose }: { of: Key; onClose: () => void }) {
  const [grace, setGrace] = useState('24h');

  async function rotate() {
    const id = String(key.id);
    const successor = await confirmed((confirmation) =>
      body(api.auth.keys[':id'].rotate.$post({ param: { id }, json: { grace, ...confirmation } })),
    );
    freshKey.value = { id: successor.id, rawKey: successor.raw_key };
    onClose();
    go(`/keys/${successor.id}`);
  }

  return (
    <Dialog title="Rotate the key" onClose={onClose}>
      <p>
        You get a new key with the same settings. Give it to the program before the old one stops working.
      </p>
      <Form action="Rotate" busy="Rotating…" onSubmit={rotate} onCancel={onClose}>
        <Field
          label="The old key goes on working"
          name="grace"
          hint={key.expires_at === null ? undefined : 'Never longer than until it expires.'}
        >
          {(attributes) => (
            <select
              {...attributes}
              value={grace}
              onChange={({ currentTarget }) => setGrace(currentTarget.value)}
            >
              {GRACES.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
      </Form>
    </Dialog>
  );
}

import { useEffect, useRef, useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import type { Key } from '../../lib/key.ts';
import { changesOf, draftOf } from '../../lib/key-draft.ts';
import { Card } from '../../ui/blocks.tsx';
import { confirmed } from '../../ui/confirm.tsx';
import { Form } from '../../ui/form.tsx';
import { KeyFields } from '../../ui/key-fields.tsx';
import { say } from '../../ui/toast.tsx';

type EditProps = { of: Key; reload: () => void; onClose: () => void };

/** Changes a key. Only what differs is sent, so that nothing that somebody else changed is undone. */
export function EditKey({ of: key, reload, onClose }: EditProps) {
  const [draft, setDraft] = useState(() => draftOf(key));

  // The form took the place of the button that was pressed.
  const fields = useRef<HTMLDivElement>(null);
  useEffect(() => fields.current?.querySelector('input')?.focus(), []);

  async function save() {
    const changes = changesOf(key, draft);
    if (Object.keys(changes).length > 0) {
      const param = { id: String(key.id) };
      await confirmed((confirmation) =>
        body(api.auth.keys[':id'].$patch({ param, json: { ...changes, ...confirmation } })),
      );
      reload();
    }
    say('Saved.');
    onClose();
  }

  return (
    <Card title="Edit">
      <Form action="Save" busy="Saving…" onSubmit={save} onCancel={onClose}>
        <div ref={fields}>
          <KeyFields
            of={key}
            draft={draft}
            onChange={(changes) => setDraft((before) => ({ ...before, ...changes }))}
          />
        </div>
      </Form>
    </Card>
  );
}

import { useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { freshKey } from '../../lib/fresh-key.ts';
import { newDraft, settingsOf } from '../../lib/key-draft.ts';
import { go, hrefOf } from '../../lib/router.ts';
import { account } from '../../lib/session.ts';
import { PageHead } from '../../ui/blocks.tsx';
import { confirmed } from '../../ui/confirm.tsx';
import { Form } from '../../ui/form.tsx';
import { KeyFields } from '../../ui/key-fields.tsx';

/** A new key. Its own page then shows the raw key. */
export function NewKeyPage() {
  const [draft, setDraft] = useState(newDraft);

  async function create() {
    const settings = settingsOf(draft);
    const { id, raw_key } = await confirmed((confirmation) =>
      body(api.auth.keys.$post({ json: { ...settings, ...confirmation } })),
    );
    freshKey.value = { id, rawKey: raw_key };
    go(`/keys/${id}`, 'replace');
  }

  return (
    <>
      <PageHead title="New API Key" intro="One for each program, so that you can revoke them one by one." />
      {account.value?.is_approved === false && (
        <p class="message warn">
          Your account waits until an administrator approves it. Until then, the key is valid at the ProxyHat
          API only.
        </p>
      )}
      <div class="card narrow">
        <Form
          action="Create the key"
          busy="Creating…"
          onSubmit={create}
          checkAt={{ href: hrefOf('/keys'), text: 'Open the list of keys in a new tab' }}
        >
          <KeyFields
            draft={draft}
            onChange={(changes) => setDraft((before) => ({ ...before, ...changes }))}
          />
        </Form>
      </div>
    </>
  );
}

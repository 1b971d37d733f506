import { useEffect, useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { ORIGIN } from '../../lib/base.ts';
import { forget, freshKey } from '../../lib/fresh-key.ts';
import { type Key, nameOf } from '../../lib/key.ts';
import { covers } from '../../lib/scopes.ts';
import { keySnippets } from '../../lib/snippets.ts';
import { useLoad } from '../../lib/use-load.ts';
import { Card, PageHead, Shown } from '../../ui/blocks.tsx';
import { KeyStatus } from '../../ui/key-status.tsx';
import { RawKey } from '../../ui/secret.tsx';
import { Snippets } from '../../ui/snippets.tsx';
import { UsagePanel } from '../../ui/usage-panel.tsx';
import { EditKey } from './edit-key.tsx';
import { KeyActions } from './key-actions.tsx';
import { KeyEvents } from './key-events.tsx';
import { KeyFacts } from './key-facts.tsx';
import { KeyNotice } from './key-notice.tsx';

const LIST = new Intl.ListFormat('en-GB');

/** One key: what it is, who changed it, how it is used, and everything that can be done with it. */
export function KeyPage({ id }: { id: string }) {
  const [loaded, reload] = useLoad(() => body(api.auth.keys[':id'].$get({ param: { id } })), [id]);
  useEffect(() => () => forget(Number(id)), [id]);
  const title = loaded.value && nameOf(loaded.value);
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · Keyhearth`;
  }, [title]);
  return (
    <>
      {loaded.value === undefined && <PageHead title={`Key ${id}`} />}
      <Shown of={loaded} retry={reload}>
        {(key) => <KeyView of={key} reload={reload} />}
      </Shown>
    </>
  );
}

function KeyView({ of: key, reload }: { of: Key; reload: () => void }) {
  const [isEdited, setEdited] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const fresh = freshKey.value?.id === key.id ? freshKey.value : undefined;
  const id = String(key.id);

  return (
    <>
      <PageHead
        title={<bdi>{nameOf(key)}</bdi>}
        intro={
          <span class="row">
            <KeyStatus of={key} />
            <code>{key.hint}…</code>
          </span>
        }
      >
        {!isEdited && <KeyActions of={key} reload={reload} onEdit={() => setEdited(true)} />}
      </PageHead>
      <KeyNotice of={key} />
      {fresh && (
        <>
          <Card title="Your new key">
            <RawKey rawKey={fresh.rawKey} isSaved={isSaved} />
          </Card>
          <UseKey of={key} rawKey={fresh.rawKey} onSaved={() => setSaved(true)} />
        </>
      )}
      {isEdited ? (
        <EditKey of={key} reload={reload} onClose={() => setEdited(false)} />
      ) : (
        <KeyFacts of={key} />
      )}
      {!fresh && (
        <>
          <UsagePanel
            load={(query) => body(api.auth.keys[':id'].usage.$get({ param: { id }, query }))}
            by={[id]}
          />
          <UseKey of={key} />
          <KeyEvents of={key} />
        </>
      )}
    </>
  );
}

type UseProps = { of: Key; rawKey?: string; onSaved?: () => void };

/** @param onSaved called when the person has copied code with the raw key in it */
const UseKey = ({ of: key, rawKey, onSaved }: UseProps) => (
  <Card title="Use this key">
    {key.allowed_ips.length > 0 && (
      <p class="message warn">
        This key works only from {LIST.format(key.allowed_ips)}. From elsewhere the answer is “Invalid API
        key”, and a few such tries can lock the address out.
      </p>
    )}
    <Snippets
      label="Tools"
      onCopied={(code) => {
        if (rawKey !== undefined && code.includes(rawKey)) onSaved?.();
      }}
      of={keySnippets({
        origin: ORIGIN,
        key: rawKey,
        mayVerify: key.scopes.some((scope) => covers(scope, 'keys:verify')),
      })}
    />
  </Card>
);

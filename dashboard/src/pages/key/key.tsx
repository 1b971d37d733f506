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

/** One key: what it is, who changed it, how it is used, and everything that can be done with it. */
export function KeyPage({ id }: { id: string }) {
  const [loaded, reload] = useLoad(() => body(api.auth.keys[':id'].$get({ param: { id } })), [id]);
  useEffect(() => () => forget(Number(id)), [id]);
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
            <RawKey rawKey={fresh.rawKey} />
          </Card>
          <UseKey of={key} rawKey={fresh.rawKey} />
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

const UseKey = ({ of: key, rawKey }: { of: Key; rawKey?: string }) => (
  <Card title="Use this key">
    <Snippets
      label="Tools"
      of={keySnippets({
        origin: ORIGIN,
        key: rawKey,
        mayVerify: key.scopes.some((scope) => covers(scope, 'keys:verify')),
      })}
    />
  </Card>
);

import { isDeclared, type Key } from '../../lib/key.ts';
import { hrefOf } from '../../lib/router.ts';
import { relative, time } from '../../lib/words.ts';

/** What somebody must know about a key before anything else. */
export function KeyNotice({ of: key }: { of: Key }) {
  if (isDeclared(key)) return <DeclaredNotice of={key} />;
  if (key.rotated_to !== null)
    return (
      <p class="message warn">
        <a href={hrefOf(`/keys/${key.rotated_to}`)}>Key {key.rotated_to}</a> has replaced this key
        {key.status === 'active' && key.expires_at !== null ? (
          <>
            . This one works until {time(key.expires_at)}, {relative(key.expires_at)}.
          </>
        ) : (
          '. This one no longer works.'
        )}
      </p>
    );
  if (key.status === 'expired')
    return (
      <p class="message warn">This key has expired. To use it again, edit it and choose another expiry.</p>
    );
  if (key.status === 'inactive')
    return (
      <p class="message warn">This key is deactivated, and is refused everywhere until you activate it.</p>
    );
  return null;
}

/** Why some things cannot be changed here. */
const DeclaredNotice = ({ of: key }: { of: Key }) =>
  key.is_active ? (
    <p class={`message${key.status === 'expired' ? ' warn' : ''}`}>
      This key is declared in <code>api-keys</code> of <code>config.yaml</code>, the file of the gateway. To
      rename, replace or remove it, change the file.
      {key.status === 'expired' && ' It has expired: to use it again, edit it and choose another expiry.'}
    </p>
  ) : (
    <p class="message warn">
      No file of a gateway declares this key any more, so it is refused everywhere. It comes back with its
      settings when a file declares it again.
    </p>
  );

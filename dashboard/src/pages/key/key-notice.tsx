import type { Key } from '../../lib/key.ts';
import { hrefOf } from '../../lib/router.ts';
import { relative, time } from '../../lib/words.ts';

/** What somebody must know about a key before anything else. */
export function KeyNotice({ of: key }: { of: Key }) {
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

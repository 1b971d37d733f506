import { api, body } from '../../lib/api.ts';
import type { Key } from '../../lib/key.ts';
import { hrefOf } from '../../lib/router.ts';
import { useLoad } from '../../lib/use-load.ts';
import { Card, Empty, Name, Shown } from '../../ui/blocks.tsx';
import { When } from '../../ui/key-status.tsx';

const DAYS = 30;
const SHOWN = 8;

/** More than are shown, because replaced keys are left out of them. */
const QUERY = { status: 'active', sort: 'expires_at', limit: '50' } as const;

/** Active keys whose end is near, and that nothing has replaced. */
export function ExpiringKeys() {
  const [loaded, reload] = useLoad(async () => {
    const { keys } = await body(api.auth.keys.$get({ query: QUERY as object }));
    const end = Date.now() / 1_000 + DAYS * 86_400;
    return keys.filter(
      ({ expires_at, rotated_to }) => rotated_to === null && expires_at !== null && expires_at <= end,
    );
  }, []);
  return (
    <Card title={`Keys that expire within ${DAYS} days`}>
      <Shown of={loaded} retry={reload}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty title="None">
              <p>No active key expires soon.</p>
            </Empty>
          ) : (
            <Keys of={keys} />
          )
        }
      </Shown>
    </Card>
  );
}

const Keys = ({ of }: { of: readonly Key[] }) => (
  <>
    <ul class="entries">
      {of.slice(0, SHOWN).map((key) => (
        <li key={key.id}>
          <a class="clip" href={hrefOf(`/keys/${key.id}`)}>
            <Name none={`Key ${key.id}`}>{key.label}</Name>
          </a>
          <span class="quiet">
            <When at={key.expires_at} never="" />
          </span>
        </li>
      ))}
    </ul>
    {of.length > SHOWN && (
      <p>
        <a href={hrefOf('/keys?status=active&sort=expires_at')}>All of them</a>
      </p>
    )}
  </>
);

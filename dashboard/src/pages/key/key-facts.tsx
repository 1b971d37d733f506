import type { ComponentChildren } from 'preact';
import { api, body } from '../../lib/api.ts';
import type { Key } from '../../lib/key.ts';
import { hrefOf } from '../../lib/router.ts';
import { meaningOf } from '../../lib/scopes.ts';
import { account, isAdmin } from '../../lib/session.ts';
import { useLoad } from '../../lib/use-load.ts';
import { number, relative, time } from '../../lib/words.ts';
import { AccountName } from '../../ui/account-name.tsx';
import { Card } from '../../ui/blocks.tsx';

/** How a key came here, where it was not created as most are. */
const SOURCES = {
  registered: 'as the first key',
  created: '',
  imported: 'imported',
  config: 'from the file of the gateway',
};

/** What a key is and holds. */
export const KeyFacts = ({ of: key }: { of: Key }) => (
  <Card title="Settings">
    <dl class="facts">
      <Fact term="Owner">{key.owner && <bdi>{key.owner}</bdi>}</Fact>
      <Fact term="Scopes">
        {key.scopes.length > 0 ? (
          <Scopes of={key.scopes} />
        ) : (
          <Quiet>none: it can only prove that it is valid</Quiet>
        )}
      </Fact>
      <Fact term="Expires">{key.expires_at === null ? <Quiet>never</Quiet> : exact(key.expires_at)}</Fact>
      <Fact term="Allowed addresses">
        {key.allowed_ips.length > 0 ? <Chips of={key.allowed_ips} /> : <Quiet>all</Quiet>}
      </Fact>
      <Fact term="Rate limits">
        {key.rate_limits.length > 0
          ? key.rate_limits.map(({ name, limit, window }) => (
              <div key={name}>
                {number(limit)} in {windowInWords(window)} <span class="quiet">({name})</span>
              </div>
            ))
          : null}
      </Fact>
      {key.max_concurrent !== null && <Fact term="Requests at one time">{number(key.max_concurrent)}</Fact>}
      <Fact term="Metadata">
        {Object.keys(key.metadata).length > 0 && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
          <pre tabIndex={0}>{JSON.stringify(key.metadata, null, 2)}</pre>
        )}
      </Fact>
      {isAdmin() && <Fact term="Account">{key.account_id && <AccountOf id={key.account_id} />}</Fact>}
      {key.rotated_from !== null && (
        <Fact term="Replaces">
          <Replaced id={key.rotated_from} />
        </Fact>
      )}
      <Fact term="Created">
        {exact(key.created_at)}
        {SOURCES[key.source] && <span class="quiet">, {SOURCES[key.source]}</span>}
      </Fact>
      <Fact term="Last used">
        {key.last_used_at === null ? <Quiet>never</Quiet> : exact(key.last_used_at)}
      </Fact>
      <Fact term="Uses">{number(key.use_count)}</Fact>
      <Fact term="Id">{key.id}</Fact>
    </dl>
  </Card>
);

const Quiet = ({ children }: { children: string }) => <span class="quiet">{children}</span>;

const Fact = ({ term, children }: { term: string; children: ComponentChildren }) => (
  <>
    <dt>{term}</dt>
    <dd>{children || <Quiet>none</Quiet>}</dd>
  </>
);

const Scopes = ({ of }: { of: readonly string[] }) => (
  <>
    {of.map((scope) => (
      <div key={scope}>
        <span class="chip">{scope}</span> <span class="quiet small">{meaningOf(scope)}</span>
      </div>
    ))}
  </>
);

const Chips = ({ of }: { of: readonly string[] }) => (
  <span class="row">
    {of.map((each) => (
      <span class="chip" key={each}>
        {each}
      </span>
    ))}
  </span>
);

const AccountOf = ({ id }: { id: string }) =>
  id === account.value?.id ? (
    <>yours</>
  ) : (
    <a href={hrefOf(`/keys?account_id=${id}`)}>
      <AccountName id={id} />
    </a>
  );

/** The old key of a rotation, and until when its program still works with it. */
function Replaced({ id }: { id: number }) {
  const [{ value: old }] = useLoad(
    () => body(api.auth.keys[':id'].$get({ param: { id: String(id) } })),
    [id],
  );
  return (
    <>
      <a href={hrefOf(`/keys/${id}`)}>Key {id}</a>
      {old?.status === 'active' && old.expires_at !== null && (
        <>, which works until {exact(old.expires_at)}</>
      )}
      {old && old.status !== 'active' && <>, which no longer works</>}
    </>
  );
}

const exact = (at: number) => (
  <>
    {time(at)} <span class="quiet">({relative(at)})</span>
  </>
);

const UNITS: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day' };

/** "1 minute", "30 days". */
function windowInWords(window: string): string {
  const [, length = '', unit = ''] = /^(\d+)([smhd])$/.exec(window) ?? [];
  const word = UNITS[unit];
  if (word === undefined) return window;
  return `${number(Number(length))} ${word}${length === '1' ? '' : 's'}`;
}

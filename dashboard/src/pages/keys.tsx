import { api, body } from '../lib/api.ts';
import type { Key } from '../lib/key.ts';
import { usePages } from '../lib/pages.ts';
import { hrefOf, place, setQuery } from '../lib/router.ts';
import { isAdmin } from '../lib/session.ts';
import { number } from '../lib/words.ts';
import { AccountName } from '../ui/account-name.tsx';
import { Empty, Name, PageHead, Shown } from '../ui/blocks.tsx';
import { ChoiceFilter, TextFilter } from '../ui/filter.tsx';
import { KeyStatus, When } from '../ui/key-status.tsx';
import { Pager } from '../ui/pager.tsx';

const FILTERS = ['label', 'owner', 'status', 'scope', 'source', 'account_id'] as const;
const PAGE_SIZE = '50';

type ListQuery = Parameters<typeof api.auth.keys.$get>[0]['query'];

export function KeysPage() {
  const { query } = place.value;
  const filters = Object.fromEntries(
    FILTERS.map((name) => [name, query.get(name)] as const).filter(([, value]) => value),
  );
  const sort = query.get('sort') ?? '-created_at';
  const pages = usePages<Key>(
    async (cursor) => {
      const asked = { ...filters, sort, limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await body(api.auth.keys.$get({ query: asked as ListQuery }));
      return { items: page.keys, next: page.next_cursor };
    },
    [JSON.stringify(filters), sort],
    query,
  );
  const isFiltered = Object.keys(filters).length > 0;

  return (
    <>
      <PageHead title="API Keys" intro={<Whose id={filters.account_id} />}>
        {filters.account_id && (
          <a class="button" href={hrefOf('/keys')}>
            Show all keys
          </a>
        )}
        <a class="button main" href={hrefOf('/keys/new')}>
          New API Key
        </a>
      </PageHead>
      <search class="filters" aria-label="Filter the keys">
        <TextFilter label="Name" name="label" />
        <TextFilter label="Owner" name="owner" />
        <TextFilter label="Scope" name="scope" />
        <ChoiceFilter
          label="Status"
          name="status"
          options={[
            ['', 'All'],
            ['active', 'Active'],
            ['inactive', 'Inactive'],
            ['expired', 'Expired'],
          ]}
        />
        <ChoiceFilter
          label="Source"
          name="source"
          options={[
            ['', 'All'],
            ['registered', 'Registered'],
            ['created', 'Created'],
            ['imported', 'Imported'],
            ['config', 'Configuration file'],
          ]}
        />
      </search>
      <Shown of={pages.loaded} retry={pages.reload}>
        {({ items }) =>
          items.length > 0 ? (
            <KeyTable keys={items} sort={sort} />
          ) : (
            <div class="card">
              {isFiltered ? (
                <Empty title="No key matches">
                  <p>Change the filters, or remove them.</p>
                  <a class="button" href={hrefOf('/keys')}>
                    Remove the filters
                  </a>
                </Empty>
              ) : (
                <Empty title="You have no keys yet">
                  <p>Create one for each program, so that you can revoke them one by one.</p>
                  <a class="button main" href={hrefOf('/keys/new')}>
                    New API Key
                  </a>
                </Empty>
              )}
            </div>
          )
        }
      </Shown>
      <Pager of={pages} label="Pages of keys" />
    </>
  );
}

/** Whose keys the list has. */
function Whose({ id }: { id: string | null | undefined }) {
  if (!isAdmin()) return <>The keys of your account.</>;
  if (!id) return <>Every key that this service knows.</>;
  return (
    <>
      The keys of <AccountName id={id} />.
    </>
  );
}

function KeyTable({ keys, sort }: { keys: readonly Key[]; sort: string }) {
  return (
    <div class="scroll">
      <table class="folds">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col">Scopes</th>
            <SortableHead label="Created" by="created_at" sort={sort} />
            <SortableHead label="Last used" by="last_used_at" sort={sort} />
            <SortableHead label="Expires" by="expires_at" sort={sort} />
            <th scope="col" class="number">
              Uses
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <th scope="row">
                <a class="clip" href={hrefOf(`/keys/${key.id}`)}>
                  <Name none={`Key ${key.id}`}>{key.label}</Name>
                </a>
                <span class="quiet small">
                  <code>{key.hint}…</code>
                  {key.owner !== '' && (
                    <>
                      {' · '}
                      <bdi>{key.owner}</bdi>
                    </>
                  )}
                </span>
              </th>
              <td>
                <KeyStatus of={key} />
              </td>
              <td data-label="Scopes">
                <Scopes of={key.scopes} />
              </td>
              <td data-label="Created">
                <When at={key.created_at} never="" />
              </td>
              <td data-label="Last used">
                <When at={key.last_used_at} never="never" />
              </td>
              <td data-label="Expires">
                <When at={key.expires_at} never="never" />
              </td>
              <td class="number" data-label="Uses">
                {number(key.use_count)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHOWN_SCOPES = 3;

const Scopes = ({ of }: { of: readonly string[] }) =>
  of.length === 0 ? (
    <span class="quiet">none</span>
  ) : (
    <span class="row">
      {of.slice(0, SHOWN_SCOPES).map((scope) => (
        <span class="chip" key={scope}>
          {scope}
        </span>
      ))}
      {of.length > SHOWN_SCOPES && <span class="quiet small">and {of.length - SHOWN_SCOPES} more</span>}
    </span>
  );

type SortableProps = { label: string; by: string; sort: string };

/** The head of a column that orders the list: the newest first, and the oldest first at the second press. */
function SortableHead({ label, by, sort }: SortableProps) {
  const isDown = sort === `-${by}`;
  const isUp = sort === by;
  return (
    <th scope="col" aria-sort={isDown ? 'descending' : isUp ? 'ascending' : 'none'}>
      <button
        type="button"
        onClick={() => setQuery({ sort: isDown ? by : `-${by}`, cursor: undefined, page: undefined })}
      >
        {label} <span aria-hidden="true">{isDown ? '↓' : isUp ? '↑' : '↕'}</span>
      </button>
    </th>
  );
}

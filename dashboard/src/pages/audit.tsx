import { api, body } from '../lib/api.ts';
import { ACTIONS, type AuditEvent, type AuditPage } from '../lib/audit.ts';
import { ORIGIN } from '../lib/base.ts';
import { usePages } from '../lib/pages.ts';
import { hrefOf, place } from '../lib/router.ts';
import { isAdmin } from '../lib/session.ts';
import { Empty, isWrongFilter, PageHead, Shown } from '../ui/blocks.tsx';
import { ChoiceFilter, TextFilter, TimeFilter } from '../ui/filter.tsx';
import { Pager } from '../ui/pager.tsx';
import { ActorFilter } from './audit/actor-filter.tsx';
import { EventList } from './audit/event-list.tsx';

const FILTERS = ['action', 'key_id', 'actor', 'from', 'to'] as const;
const PAGE_SIZE = '50';

const KINDS = Object.entries(ACTIONS).map(([action, [, name]]) => [action, name] as const);

/** The filters of the address, as the API takes them. */
function filtersIn(query: URLSearchParams): Record<string, string> {
  const given = FILTERS.map((name) => [name, query.get(name) ?? ''] as const).filter(([, text]) => text);
  return Object.fromEntries(
    given.map(([name, text]) => [name, name === 'from' || name === 'to' ? secondsOf(text) : text]),
  );
}

/** A time without a zone is one of the reader. */
function secondsOf(text: string): string {
  const at = new Date(text).getTime() / 1_000;
  return Number.isNaN(at) ? text : String(at);
}

/** Who changed what. The page holds one page of the log. */
export function AuditLogPage() {
  const { query } = place.value;
  const filters = filtersIn(query);
  const pages = usePages<AuditEvent>(
    async (cursor) => {
      const asked = { ...filters, limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) };
      const page = (await body(api.auth.audit.$get({ query: asked as object }))) as AuditPage;
      return { items: page.events, next: page.next_cursor };
    },
    [JSON.stringify(filters)],
    query,
  );
  const { loaded } = pages;
  const isWrong = loaded.state === 'failed' && isWrongFilter(loaded.error);
  const isFiltered = Object.keys(filters).length > 0;

  return (
    <>
      <PageHead
        title="Audit log"
        intro={isAdmin() ? 'Who changed what.' : 'What happened to your account and its keys.'}
      >
        {!isWrong && (
          <a
            class="button"
            href={`${ORIGIN}/auth/audit?${new URLSearchParams({ ...filters, format: 'ndjson' })}`}
            download="audit.ndjson"
          >
            Download {isFiltered ? 'these events' : 'all events'}
          </a>
        )}
      </PageHead>
      <search class="filters wide" aria-label="Filter the events">
        <ChoiceFilter label="What" name="action" options={[['', 'Everything'], ...KINDS]} />
        <TextFilter label="Number of the key" name="key_id" />
        <ActorFilter />
        <TimeFilter label="From" name="from" />
        <TimeFilter label="Before" name="to" />
      </search>
      <Shown of={loaded} retry={pages.reload}>
        {({ items }) =>
          items.length > 0 ? (
            <EventList of={items} />
          ) : (
            <div class="card">
              <Nothing isFiltered={isFiltered} />
            </div>
          )
        }
      </Shown>
      <Pager of={pages} label="Pages of events" />
    </>
  );
}

const Nothing = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No event matches">
      <p>Change the filters, or remove them.</p>
      <a class="button" href={hrefOf('/audit')}>
        Remove the filters
      </a>
    </Empty>
  ) : (
    <Empty title="Nothing is recorded yet">
      <p>Every change of keys and accounts appears here.</p>
    </Empty>
  );

import { type AuditEvent, fieldInWords, valueInWords } from '../../lib/audit.ts';
import { hrefOf } from '../../lib/router.ts';

const EXACT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });

/** Everything that is known of an event. */
export const EventDetails = ({ of: event }: { of: AuditEvent }) => (
  <>
    <Changes of={event.changes} />
    <dl class="facts small">
      <dt>Time</dt>
      <dd>{EXACT.format(event.at * 1_000)}</dd>
      {event.address !== null && (
        <>
          <dt>Address</dt>
          <dd>{event.address}</dd>
        </>
      )}
      <dt>Event</dt>
      <dd>
        {event.id}, <code>{event.action}</code>
      </dd>
      {event.request_id !== null && (
        <>
          <dt>Request, as in the log</dt>
          <dd>
            <code>{event.request_id}</code>
          </dd>
        </>
      )}
    </dl>
    <p class="row small">
      {event.key_id !== null && <a href={hrefOf(`/audit?key_id=${event.key_id}`)}>All events of this key</a>}
      {event.actor.id !== null && (
        <a href={hrefOf(`/audit?actor=${event.actor.id}`)}>
          Everything that <bdi>{event.actor.label || event.actor.hint}</bdi> did
        </a>
      )}
    </p>
  </>
);

/** What is made has nothing before, and what is deleted nothing after. */
function Changes({ of }: { of: AuditEvent['changes'] }) {
  const changed = Object.entries(of);
  const columns = (['from', 'to'] as const).filter((side) =>
    changed.some(([, change]) => change[side] !== null),
  );
  if (changed.length === 0) return null;
  return (
    <table class="folds small">
      <thead>
        <tr>
          <th scope="col">Field</th>
          {columns.map((side) => (
            <th scope="col" key={side}>
              {HEADS[side]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {changed.map(([field, change]) => (
          <tr key={field}>
            <th scope="row">{fieldInWords(field)}</th>
            {columns.map((side) => (
              <td key={side} data-label={HEADS[side]}>
                <bdi>{valueInWords(field, change[side])}</bdi>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const HEADS = { from: 'Before', to: 'After' } as const;

import { api, body } from '../../lib/api.ts';
import {
  ACTIONS,
  type AuditEvent,
  type AuditPage,
  fieldInWords,
  short,
  valueInWords,
} from '../../lib/audit.ts';
import type { Key } from '../../lib/key.ts';
import { hrefOf } from '../../lib/router.ts';
import { holds } from '../../lib/session.ts';
import { useLoad } from '../../lib/use-load.ts';
import { AccountName } from '../../ui/account-name.tsx';
import { Card, Empty, Shown } from '../../ui/blocks.tsx';
import { When } from '../../ui/key-status.tsx';

const LATEST = '10';

const WITHOUT_A_NAME: Record<string, string> = {
  bootstrap: 'the set-up',
  anonymous: 'a client without a key',
  operator: 'a command on the machine of Keyhearth',
};

/** "Rotated": the heading of the list says of what. */
const actionInWords = ({ action }: AuditEvent) => {
  const name = ACTIONS[action][1].replace(/^Key /, '');
  return name.slice(0, 1).toUpperCase() + name.slice(1);
};

/** Who changed the key. Everybody may see that of their own keys. */
export function KeyEvents({ of: key }: { of: Key }) {
  const query = { key_id: String(key.id), limit: LATEST };
  const [loaded, reload] = useLoad(
    async () => (await body(api.auth.audit.$get({ query }))) as AuditPage,
    // A change of the key is an event.
    [JSON.stringify(key)],
  );
  return (
    <Card title="Changes">
      <Shown of={loaded} retry={reload}>
        {({ events, next_cursor }) =>
          events.length === 0 ? (
            <Empty title="No changes are recorded" />
          ) : (
            <>
              <Events of={events} />
              {next_cursor !== undefined && holds('audit:read') && (
                <p>
                  <a href={hrefOf(`/audit?key_id=${key.id}`)}>All changes of this key</a>
                </p>
              )}
            </>
          )
        }
      </Shown>
    </Card>
  );
}

const Events = ({ of }: { of: readonly AuditEvent[] }) => (
  <table class="folds">
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col">When</th>
        <th scope="col">Who</th>
        <th scope="col">From</th>
      </tr>
    </thead>
    <tbody>
      {of.map((event) => (
        <tr key={event.id}>
          <th scope="row">
            {actionInWords(event)}
            {event.action === 'key.updated' && <Changes of={event.changes} />}
          </th>
          <td data-label="When">
            <When at={event.at} never="" />
          </td>
          <td data-label="Who">
            <bdi>{event.actor.label || event.actor.hint || WITHOUT_A_NAME[event.actor.kind]}</bdi>
          </td>
          <td data-label="From">{event.address}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const Changes = ({ of }: { of: AuditEvent['changes'] }) => (
  <>
    {Object.entries(of).map(([field, { from, to }]) => (
      <span class="quiet small block" key={field}>
        {fieldInWords(field)}: <Value of={from} field={field} /> → <Value of={to} field={field} />
      </span>
    ))}
  </>
);

const Value = ({ of, field }: { of: unknown; field: string }) =>
  field === 'account_id' && typeof of === 'string' ? (
    <AccountName id={of} />
  ) : (
    <bdi>{short(valueInWords(field, of))}</bdi>
  );

import {
  ACTIONS,
  type AuditEvent,
  type Change,
  fieldInWords,
  knownName,
  omittedIn,
  short,
  valueInWords,
} from '../../lib/audit.ts';
import { hrefOf } from '../../lib/router.ts';
import { count } from '../../lib/words.ts';
import { type Names, subjectOf } from './names.ts';

type SentenceProps = { of: AuditEvent; names: Names };

/** "ops@example.com changed the key backup-server: label old → new" */
export function Sentence({ of: event, names }: SentenceProps) {
  const [verb, kind] = ACTIONS[event.action];
  const omitted = omittedIn(event);
  if (omitted !== undefined)
    return (
      <>
        {kind}: {count(omitted, 'more time')}
      </>
    );
  if (event.action === 'address.locked')
    return (
      <>
        <bdi class="name">{knownName(event) ?? event.address}</bdi> was locked out
      </>
    );
  return (
    <>
      <Actor of={event} /> {verb} <Subject of={event} names={names} />
      <Summary of={event} />
    </>
  );
}

function Actor({ of: { actor } }: { of: AuditEvent }) {
  if (actor.kind === 'bootstrap') return 'The set-up';
  if (actor.kind === 'anonymous') return 'Somebody';
  if (actor.kind === 'operator') return 'A command on the machine of Keyhearth';
  if (actor.kind === 'management') return 'Somebody with the management key of the gateway';
  if (actor.kind === 'gateway')
    return (
      <>
        The file of the gateway <bdi class="name">{actor.label}</bdi>
      </>
    );
  if (actor.kind === 'account') return <bdi class="name">{actor.label}</bdi>;
  return (
    <>
      The key{' '}
      <a href={hrefOf(`/keys/${actor.id}`)}>
        <bdi class="name">{short(actor.label || actor.hint || `${actor.id}`)}</bdi>
      </a>
    </>
  );
}

/** What it was done to. Who acts on their own account is named once. */
function Subject({ of: event, names }: SentenceProps) {
  const subject = subjectOf(event);
  const { action, key_id, account_id, actor } = event;
  if (action.startsWith('gateway.')) return null;
  if (action.startsWith('session.') && (account_id === actor.id || account_id === null)) return null;
  if (subject !== undefined && account_id === actor.id && key_id === null) return 'their own account';
  const name = knownName(event) ?? (subject === undefined ? undefined : names.get(subject));
  const shown = <bdi class="name">{short(name || String(key_id ?? account_id ?? 'nobody'))}</bdi>;
  return (
    <>
      {action === 'session.ended' && 'of '}
      {key_id !== null && action !== 'key.deleted' ? <a href={hrefOf(`/keys/${key_id}`)}>{shown}</a> : shown}
    </>
  );
}

const SUMMED_UP = new Set(['key.updated', 'key.rotated', 'account.updated']);
const SHOWN = 2;

/** What changed, as long as it is short. The details have the rest. */
function Summary({ of: { action, changes } }: { of: AuditEvent }) {
  if (!SUMMED_UP.has(action)) return null;
  const changed = Object.entries(changes);
  return (
    <>
      :{' '}
      {changed.slice(0, SHOWN).map(([field, change], index) => (
        <span key={field}>
          {index > 0 && ', '}
          <Changed field={field} change={change} />
        </span>
      ))}
      {changed.length > SHOWN && ` and ${changed.length - SHOWN} more`}
    </>
  );
}

const Changed = ({ field, change: { from, to } }: { field: string; change: Change }) => (
  <>
    {fieldInWords(field)} <bdi>{short(valueInWords(field, from))}</bdi> →{' '}
    <bdi>{short(valueInWords(field, to))}</bdi>
  </>
);

import { useState } from 'preact/hooks';
import type { AuditEvent } from '../../lib/audit.ts';
import { useLoad } from '../../lib/use-load.ts';
import { When } from '../../ui/key-status.tsx';
import { EventDetails } from './event-details.tsx';
import { type Names, namesOf } from './names.ts';
import { Sentence } from './sentence.tsx';

const NONE: Names = new Map();

/** A page of events, the newest first. The names in them may come a moment later. */
export function EventList({ of }: { of: readonly AuditEvent[] }) {
  const [loaded] = useLoad(() => namesOf(of), [of]);
  return (
    <ul class="events card">
      {of.map((event) => (
        <Entry key={event.id} of={event} names={loaded.value ?? NONE} />
      ))}
    </ul>
  );
}

function Entry({ of: event, names }: { of: AuditEvent; names: Names }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <div>
        <Sentence of={event} names={names} />
      </div>
      <div class="quiet small">
        <When at={event.at} never="" />
      </div>
      <details class="fold" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary class="small">
          Details<span class="hidden"> of event {event.id}</span>
        </summary>
        {isOpen && <EventDetails of={event} />}
      </details>
    </li>
  );
}

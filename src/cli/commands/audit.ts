import type { Command } from 'commander';
import { ACTIONS } from '../../audit/event.ts';
import type { Context } from '../context.ts';
import { time } from '../format.ts';
import { type PageOptions, readPages, withPages } from '../pages.ts';
import { type Column, table } from '../table.ts';
import { positive, suggesting, time as timeOption } from '../values.ts';

type AuditEvent = {
  id: number;
  at: number;
  action: string;
  actor: { kind: string; id?: unknown; label?: unknown };
  address: string | null;
  key_id: number | null;
  account_id: string | null;
  changes: Record<string, { from?: unknown; to?: unknown }>;
};

type AuditOptions = PageOptions &
  Partial<Record<'actor' | 'action' | 'from' | 'to', string>> & { keyId?: number };

const actorText = ({ kind, id, label }: AuditEvent['actor']) =>
  [kind, id, label].filter((part) => part !== undefined && part !== null && part !== '').join(' ');

const changesText = (changes: AuditEvent['changes']) =>
  Object.entries(changes)
    .map(([field, { from, to }]) =>
      from === undefined
        ? `${field}: ${JSON.stringify(to)}`
        : `${field}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`,
    )
    .join(', ');

const columns: readonly Column<AuditEvent>[] = [
  { title: 'TIME', of: ({ at }) => time(at) },
  { title: 'ACTION', of: ({ action }) => action },
  { title: 'ACTOR', of: ({ actor }) => actorText(actor) },
  { title: 'FROM', of: ({ address }) => address ?? '-' },
  { title: 'KEY', of: ({ key_id }) => key_id ?? '-' },
  { title: 'CHANGES', of: ({ changes }) => changesText(changes) },
];

/** Shows who changed what. */
export function addAudit(program: Command, context: Context): void {
  withPages(program.command('audit'))
    .description('show who changed what, the newest first')
    .option('--key-id <id>', 'the key that was changed', positive)
    .option('--actor <id>', 'the key or the account that made the change')
    .addOption(suggesting('--action <action>', 'what happened', ACTIONS))
    .option('--from <time>', 'the earliest time, such as 2030-01-31 or 2030-01-31T12:00:00Z', timeOption)
    .option('--to <time>', 'the first moment after the latest time', timeOption)
    .addHelpText(
      'after',
      '\nExamples:\n  keyhearth audit --key-id 2\n  keyhearth audit --action key.deleted --from 2030-01-01 --all',
    )
    .action(async ({ actor, action, from, to, keyId, ...pages }: AuditOptions) => {
      const query = { actor, action, from, to, key_id: keyId };
      const events = await readPages<AuditEvent>(context, 'events', query, 'auth/audit', pages);
      context.output.print(events, (paint) => table(columns, events, paint));
    });
}

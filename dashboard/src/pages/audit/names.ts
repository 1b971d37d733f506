import { api, body } from '../../lib/api.ts';
import { type AuditEvent, knownName } from '../../lib/audit.ts';
import { isAdmin } from '../../lib/session.ts';

/** The names of the keys and accounts of a page, by `key 2` and `account 8b1a…`. */
export type Names = ReadonlyMap<string, string>;

export const subjectOf = ({ key_id, account_id }: AuditEvent): string | undefined => {
  if (key_id !== null) return `key ${key_id}`;
  return account_id === null ? undefined : `account ${account_id}`;
};

/**
 * Finds the names of those whose events do not say it. An event of a page may name what another one is about; the rest is
 * read, at most one for each event. What is deleted, or cannot be read, has no name.
 */
export async function namesOf(events: readonly AuditEvent[]): Promise<Names> {
  const names = new Map<string, string>();
  const wanted = new Set<string>();
  for (const event of events) {
    const subject = subjectOf(event);
    const name = knownName(event);
    if (subject === undefined) continue;
    if (name === undefined) wanted.add(subject);
    else if (!names.has(subject)) names.set(subject, name);
  }
  await Promise.all(
    [...wanted]
      .filter((subject) => !names.has(subject))
      .map(async (subject) => {
        const name = await read(subject).catch(() => '');
        if (name !== '') names.set(subject, name);
      }),
  );
  return names;
}

async function read(subject: string): Promise<string> {
  const [kind, id = ''] = subject.split(' ');
  if (kind === 'key') return (await body(api.auth.keys[':id'].$get({ param: { id } }))).label;
  if (!isAdmin()) return '';
  return (await body(api.auth.accounts[':id'].$get({ param: { id } }))).email;
}

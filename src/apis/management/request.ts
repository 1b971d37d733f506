import type { z } from 'zod';
import type { NewEvent } from '../../audit/event.ts';
import type { HttpContext } from '../../http/context.ts';
import { DomainError, type FailureOf } from '../../lib/failure.ts';
import type { ManagementParts } from './parts.ts';

type Invalid = FailureOf<'management_invalid'>;

export const invalid = (reason: Invalid['reason'], fields?: readonly string[]): DomainError =>
  new DomainError({ code: 'management_invalid', reason, ...(fields && { fields }) });

/** The body as JSON, whatever its label. @throws DomainError `invalid body` */
export async function jsonOf<T extends z.ZodType>(c: HttpContext, schema: T): Promise<z.output<T>> {
  const body: unknown = await c.req.json().catch(() => undefined);
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw invalid('body');
  return parsed.data;
}

/** A place in a list, from the query; undefined when it is not there. @throws DomainError when it is no such number */
export function indexIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) throw invalid('index_or_value');
  return Number(text);
}

/** Writes the audit event of a change that is in force. */
export const recordChange = (
  c: HttpContext,
  { record }: Pick<ManagementParts, 'record'>,
  action: NewEvent['action'],
  changes: NewEvent['changes'],
): Promise<void> => {
  const { client, requestId, managedBy } = c.var;
  return record({
    ...{ action, changes, requestId, address: client.address, keyId: null },
    actor: { kind: 'management', label: managedBy ?? 'OAuth callback' },
  });
};

import { type AuditActor, changesBetween, type NewEvent } from '../audit/event.ts';
import type { KeySettings } from '../keys/key.ts';
import { GATEWAY_USE } from '../keys/scopes.ts';
import { publicSettings } from '../keys/wire.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Declared, Kept, Stored } from './differences.ts';

/** The audit events of a change: which keys came and which went, by their hints. */

type Context = Readonly<{ actor: AuditActor; at: number }>;

const event = (
  { actor, at }: Context,
  action: NewEvent['action'],
  keyId: KeyId,
  changes: NewEvent['changes'],
): NewEvent => ({ at, action, actor, address: null, keyId, changes, requestId: null });

/** The settings of a key that a file declares for the first time. */
const declaredSettings = (label: string): KeySettings => ({
  ...{ label, owner: '', scopes: [GATEWAY_USE], expiresAt: null },
  ...{ allowedIps: [], rateLimits: [], maxConcurrent: null, metadata: {} },
});

export const added = (context: Context, id: KeyId, { hint, label }: Declared): NewEvent =>
  event(
    context,
    'key.declared',
    id,
    changesBetween(undefined, { hint, ...publicSettings({ ...declaredSettings(label), isActive: true }) }),
  );

/** Undefined when nobody sees a difference. */
export function kept(context: Context, { row, declared, isMember }: Kept): NewEvent | undefined {
  const isNew = !isMember || !row.isActive;
  const changes = changesBetween(
    { ...(isNew && { hint: null }), label: row.label, is_active: row.isActive },
    { ...(isNew && { hint: row.hint }), label: declared.label, is_active: true },
  );
  if (Object.keys(changes).length === 0) return undefined;
  return event(context, isNew ? 'key.declared' : 'key.updated', row.id, changes);
}

/** @param isRetired whether no other gateway declares it */
export const removed = (context: Context, { id, hint, isActive }: Stored, isRetired: boolean): NewEvent =>
  event(
    context,
    'key.undeclared',
    id,
    changesBetween({ hint, is_active: isActive }, { hint: null, is_active: isActive && !isRetired }),
  );

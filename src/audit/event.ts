import type { AccountId, EventId, KeyId } from '../lib/brand.ts';

/** What can happen. The names are stable. */
export const ACTIONS = [
  'key.registered',
  'key.created',
  'key.updated',
  'key.activated',
  'key.deactivated',
  'key.rotated',
  'key.deleted',
  'key.regenerated',
  'key.declared',
  'key.undeclared',
  'key.imported',
  'account.created',
  'account.registered',
  'account.approved',
  'account.updated',
  'account.password_changed',
  'account.two_factor_enabled',
  'account.two_factor_disabled',
  'account.recovery_code_used',
  'account.deleted',
  'session.started',
  'session.ended',
  'sign_in.failed',
  'invitation.created',
  'invitation.deleted',
  'invitation.accepted',
  'gateway.updated',
  'gateway.sign_in_started',
  'gateway.signed_in',
  'gateway.signed_out',
  'gateway.files_uploaded',
  'gateway.files_deleted',
  'pepper.replaced',
  'database.restored',
  'lockout.cleared',
  'address.locked',
  'bootstrap.refused',
] as const;

export type Action = (typeof ACTIONS)[number];

/** What clients without a valid credential can cause, as often as they like. So only some of it is recorded. */
export const INCIDENTS = [
  'address.locked',
  'bootstrap.refused',
  'sign_in.failed',
] as const satisfies Action[];

export type IncidentAction = (typeof INCIDENTS)[number];

/** An event of no change, without an actor. */
export type Incident = Readonly<
  { action: IncidentAction } & Pick<NewEvent, 'address' | 'changes' | 'requestId'>
>;

/** Who did it, with the names that they had then. */
export type AuditActor = Readonly<
  /** `account`: the account that it belonged to. */
  | { kind: 'key'; id: KeyId; hint: string; label: string; account?: AccountId | null }
  /** A person. `label`: the e-mail address. */
  | { kind: 'account'; id: AccountId; label: string }
  /** The caller that registers the first key. There is no key before that. */
  | { kind: 'bootstrap' }
  /** The file of a gateway. `label`: the name of the gateway. */
  | { kind: 'gateway'; label: string }
  /** Somebody with a management secret of the gateway. `label`: which secret. */
  | { kind: 'management'; label: string }
  /** Somebody with the data directory, or with the database and the pepper: a command that needs no service. */
  | { kind: 'operator' }
  /** A client without a valid credential. */
  | { kind: 'anonymous' }
>;

export const ACTOR_KINDS = [
  'key',
  'account',
  'bootstrap',
  'gateway',
  'management',
  'operator',
  'anonymous',
] as const satisfies AuditActor['kind'][];

/** The changed fields. Nothing in them is secret. */
export type Changes = Readonly<Record<string, Readonly<{ from: unknown; to: unknown }>>>;

export type NewEvent = Readonly<{
  /** Milliseconds since 1970. */
  at: number;
  action: Action;
  actor: AuditActor;
  /** The address of the client; null for a summary of several. */
  address: string | null;
  /** The key that was changed; null when it is about no key. */
  keyId: KeyId | null;
  /** The account that was changed, or that the key belonged to; null when it is about no account. */
  accountId?: AccountId | null;
  changes: Changes;
  requestId: string | null;
}>;

export type AuditEvent = NewEvent & Readonly<{ id: EventId }>;

/** Which events to read. */
export type Selection = Readonly<{
  keyId?: KeyId | undefined;
  /** The key that acted. */
  actorKey?: KeyId | undefined;
  /** The account that acted: the person, or a key of theirs. */
  actorAccount?: AccountId | undefined;
  /** Only events about this account or its keys, and what the account did. */
  visibleTo?: AccountId | undefined;
  action?: Action | undefined;
  /** Milliseconds since 1970. */
  from?: number | undefined;
  /** Milliseconds since 1970: the first moment after the events. */
  to?: number | undefined;
}>;

/** The place of an event in the order of the listing: by time, and by id within one millisecond. */
export type Position = Readonly<{ at: number; id: EventId }>;

/** The fields that differ between two states. A state is the public form of a thing; undefined when there is none. */
export function changesBetween(
  before: Readonly<Record<string, unknown>> | undefined,
  after: Readonly<Record<string, unknown>> | undefined,
): Changes {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const changed = [...names].flatMap((name) => {
    const [from, to] = [before?.[name] ?? null, after?.[name] ?? null];
    return JSON.stringify(from) === JSON.stringify(to) ? [] : [[name, { from, to }] as const];
  });
  return Object.fromEntries(changed);
}

import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';
import { time } from './words.ts';

/** The events of the audit log, in words. */

export type AuditPage = Extract<InferResponseType<typeof api.auth.audit.$get, 200>, { events: unknown }>;
export type AuditEvent = AuditPage['events'][number];
export type Action = AuditEvent['action'];
export type Change = AuditEvent['changes'][string];

/** What the actor did, up to the name of what it was done to. The second word names the kind of event in a list. */
export const ACTIONS = {
  'key.created': ['created the key', 'Key created'],
  'key.updated': ['changed the key', 'Key changed'],
  'key.rotated': ['rotated the key', 'Key rotated'],
  'key.deleted': ['deleted the key', 'Key deleted'],
  'key.activated': ['activated the key', 'Key activated'],
  'key.deactivated': ['deactivated the key', 'Key deactivated'],
  'key.registered': ['registered the key', 'Key registered'],
  'key.regenerated': ['gave a new secret to the key', 'Key got a new secret'],
  'key.declared': ['declares the key', 'Key declared'],
  'key.undeclared': ['no longer declares the key', 'Key no longer declared'],
  'key.imported': ['imported keys', 'Keys imported'],
  'gateway.updated': ['changed the file of the gateway', 'Gateway changed'],
  'gateway.sign_in_started': [
    'began a sign-in of the gateway with a provider',
    'Sign-in with a provider begun',
  ],
  'gateway.signed_in': ['signed the gateway in with a provider', 'Signed in with a provider'],
  'gateway.signed_out': ['ended a session of the gateway with a provider', 'Signed out of a provider'],
  'gateway.files_uploaded': ['uploaded token files to the gateway', 'Token files uploaded'],
  'gateway.files_deleted': ['deleted token files of the gateway', 'Token files deleted'],
  'pepper.replaced': ['replaced the lost pepper', 'Pepper replaced'],
  'database.restored': ['restored the database from a backup', 'Database restored'],
  'session.started': ['signed in', 'Sign-in'],
  'session.ended': ['ended a session', 'Session ended'],
  'sign_in.failed': ['failed to sign in as', 'Sign-in failed'],
  'account.created': ['created the account', 'Account created'],
  'account.registered': ['registered the account', 'Account registered'],
  'account.approved': ['approved the account', 'Account approved'],
  'account.updated': ['changed the account', 'Account changed'],
  'account.deleted': ['deleted the account', 'Account deleted'],
  'account.password_changed': ['changed the password of', 'Password changed'],
  'account.two_factor_enabled': ['set up a second factor for', 'Second factor set up'],
  'account.two_factor_disabled': ['removed the second factor of', 'Second factor removed'],
  'account.recovery_code_used': ['used a recovery code of', 'Recovery code used'],
  'invitation.created': ['invited', 'Invitation made'],
  'invitation.accepted': ['accepted the invitation of', 'Invitation accepted'],
  'invitation.deleted': ['took back the invitation of', 'Invitation taken back'],
  'address.locked': ['was locked out:', 'Address locked'],
  'lockout.cleared': ['unlocked', 'Lockout ended'],
  'bootstrap.refused': ['tried to register the first key, and was refused', 'Set-up refused'],
} as const satisfies Record<Action, readonly [verb: string, name: string]>;

const FIELDS: Record<string, string> = {
  is_active: 'active',
  expires_at: 'expiry',
  allowed_ips: 'allowed addresses',
  rate_limits: 'rate limits',
  max_concurrent: 'requests at one time',
  rotated_to: 'successor',
  account_id: 'account',
  two_factor: 'second factor',
  is_approved: 'approved',
  locked_until: 'locked until',
  created_at: 'created',
  last_sign_in_at: 'last sign-in',
};

const MAX = 60;

/** Names and values may have hundreds of characters. */
export const short = (text: string) => (text.length > MAX ? `${[...text].slice(0, MAX).join('')}…` : text);

export const fieldInWords = (field: string) => FIELDS[field] ?? field.replaceAll('_', ' ');

const TIMES = new Set(['expires_at', 'locked_until', 'created_at', 'last_sign_in_at']);

/** A value of a changed field. */
export function valueInWords(field: string, value: unknown): string {
  if (value === null) return field === 'expires_at' ? 'never' : 'none';
  if (typeof value === 'number' && TIMES.has(field)) return time(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value === 'string') return value === '' ? 'empty' : value;
  return JSON.stringify(value);
}

/** The text that a field has or had: the name of a thing that is made or is gone. */
function textIn({ changes }: AuditEvent, field: string): string | undefined {
  const value = changes[field]?.to ?? changes[field]?.from;
  return typeof value === 'string' ? value : undefined;
}

/** How many events of a kind are counted in this one. */
export function omittedIn({ changes }: AuditEvent): number | undefined {
  const value = changes.omitted?.to;
  return typeof value === 'number' ? value : undefined;
}

/** The name that an event itself knows of the key or account that it is about. A key can have an empty one. */
export function knownName(event: AuditEvent): string | undefined {
  if (event.key_id !== null)
    return event.key_id === event.actor.id ? (event.actor.label ?? undefined) : textIn(event, 'label');
  if (event.account_id !== null && event.account_id === event.actor.id) return event.actor.label ?? undefined;
  return textIn(event, 'email') ?? textIn(event, 'address');
}

import { createHmac } from 'node:crypto';
import type { Action, AuditEvent } from '../audit/event.ts';
import type { KeyId } from '../lib/brand.ts';

/** The types of the messages. The names are stable. */
export type MessageType =
  | 'key.created'
  | 'key.revoked'
  | 'key.rotated'
  | 'key.expiring'
  | 'key.expired'
  | 'address.locked'
  | 'database.recovered'
  | 'database.unavailable';

/** `id`: the same each time the message is sent, so that a receiver can find out that it has it already. */
export type Message = Readonly<{ id: string; body: string }>;

/** The audit events that become messages. */
export const REPORTED: Readonly<Partial<Record<Action, MessageType>>> = {
  'key.registered': 'key.created',
  'key.created': 'key.created',
  'key.declared': 'key.created',
  'key.rotated': 'key.rotated',
  'key.regenerated': 'key.rotated',
  'key.deactivated': 'key.revoked',
  'key.deleted': 'key.revoked',
  'key.undeclared': 'key.revoked',
  'address.locked': 'address.locked',
};

/** @param at milliseconds since 1970: when it happened */
export const messageOf = (id: string, type: MessageType, at: number, data: object): Message => ({
  id,
  body: JSON.stringify({ type, timestamp: new Date(at).toISOString(), data }),
});

/** Undefined for an event that becomes no message. */
export function messageOfEvent(event: AuditEvent): Message | undefined {
  const type = REPORTED[event.action];
  if (!type) return undefined;
  return messageOf(`audit_${event.id}`, type, event.at, {
    action: event.action,
    key_id: event.keyId,
    actor: event.actor,
    address: event.address,
    changes: event.changes,
    request_id: event.requestId,
  });
}

const DAY_MS = 86_400_000;
/** How many days before the end of a key there is a message, the shortest time first. */
const NOTICE_DAYS = [1, 7];

/** How long before the end of a key its first message comes, in milliseconds. */
export const LONGEST_NOTICE_MS = 7 * DAY_MS;

export type EndingKey = Readonly<{
  id: KeyId;
  hint: string;
  label: string;
  owner: string;
  created_at: number;
  expires_at: number;
}>;

/**
 * The message about a key that expires soon or has expired. There is none before the end of a key that lives no longer
 * than the notice. A key that gets another expiry gets new messages.
 */
export function messageOfEnding(key: EndingKey, now: number): Message | undefined {
  const data = {
    key_id: key.id,
    hint: key.hint,
    label: key.label,
    owner: key.owner,
    expires_at: new Date(key.expires_at).toISOString(),
  };
  const id = `${key.id}_${key.expires_at}`;
  if (key.expires_at <= now) return messageOf(`expired_${id}`, 'key.expired', key.expires_at, data);
  const days = NOTICE_DAYS.find((notice) => key.expires_at - now <= notice * DAY_MS);
  if (days === undefined || key.expires_at - key.created_at <= days * DAY_MS) return undefined;
  return messageOf(`expires_in_${days}d_${id}`, 'key.expiring', key.expires_at - days * DAY_MS, {
    ...data,
    days,
  });
}

/**
 * The headers of Standard Webhooks (version 1.0.0): HMAC-SHA-256 over the id, the time stamp and the body.
 * @param seconds since 1970: when it is sent
 */
export function signedHeaders({ id, body }: Message, seconds: number, secret: Uint8Array) {
  const signature = createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  };
}

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000];
/** The times that Standard Webhooks recommends. */
const PAUSES_MS = [
  ...[5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS],
  ...[2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS],
];

/** How long to wait after so many failed attempts: a day, when there were many. */
export const pauseAfter = (attempts: number): number => PAUSES_MS[attempts - 1] ?? DAY_MS;

import { changesBetween, type Incident } from '../audit/event.ts';
import { formatNetwork, parseNetwork } from '../lib/network.ts';

/**
 * What a lockout counts: invalid keys of an address, failed sign-ins from an address or for an e-mail address, and wrong
 * secrets for the management API of the gateway.
 */
export const LOCKOUT_KINDS = ['api_key', 'sign_in_address', 'sign_in_email', 'management'] as const;

export type LockoutKind = (typeof LOCKOUT_KINDS)[number];

/** What the lockout knows of an address. */
export type LockoutEntry = Readonly<{
  /** An IPv4 address, the /64 network of an IPv6 address, or "unknown"; for a lockout of e-mail addresses, one of these. */
  address: string;
  /** The failed attempts that count now. Of a locked address: those that locked it. */
  failures: number;
  /** Milliseconds since 1970; null when the address is not locked. */
  lockedUntil: number | null;
}>;

/** An entry of one of several lockouts. */
export type KindOfEntry = LockoutEntry & Readonly<{ kind: LockoutKind }>;

/** As clients and the audit log see it. The time is in seconds since 1970. */
export function publicLockout({ kind, address, failures, lockedUntil }: KindOfEntry) {
  const network = parseNetwork(address);
  return {
    kind,
    address: network ? formatNetwork(network) : address,
    failures,
    locked_until: lockedUntil === null ? null : Math.ceil(lockedUntil / 1_000),
  };
}

/** For the audit log. The lockout does not know the request. */
export function lockedIncident(entry: KindOfEntry): Incident {
  const after = publicLockout(entry);
  return {
    action: 'address.locked',
    address: entry.kind === 'sign_in_email' ? null : after.address,
    requestId: null,
    changes: changesBetween(undefined, after),
  };
}

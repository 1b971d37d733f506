import type { Incident } from '../audit/event.ts';
import type { Clock } from '../lib/clock.ts';
import { notifierOf } from './kinds.ts';
import { createLockout, type LockNotifier, type Lockout, type LockoutPolicy } from './lockout.ts';
import type { LockoutMemory } from './memory.ts';
import { lockedIncident } from './wire.ts';

/** As the original does: five failures ban an address for half an hour. */
export const MANAGEMENT_BAN: LockoutPolicy = { attempts: 5, seconds: 30 * 60, by: 'address' };

/** The bans from the management API of the gateway. */
export const createManagementBans = (
  clock: Clock,
  memory: LockoutMemory,
  notifier: LockNotifier,
  onIncident: (incident: Incident) => void,
): Lockout =>
  createLockout(MANAGEMENT_BAN, clock, memory, notifierOf(notifier, 'management'), (entry) =>
    onIncident(lockedIncident({ ...entry, kind: 'management' })),
  );

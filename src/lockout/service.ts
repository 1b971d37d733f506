import { changesBetween } from '../audit/event.ts';
import type { Change } from '../keys/change.ts';
import type { Actor } from '../lib/principal.ts';
import type { Lockout } from './lockout.ts';
import { publicLockout } from './wire.ts';

export type LockoutService = ReturnType<typeof createLockoutService>;

/** More addresses than anybody reads. */
const MAX_LISTED = 1_000;

/** For operators: who is locked out, and an end of it. */
export const createLockoutService = (lockout: Lockout, change: Change) => ({
  list: () => lockout.list(MAX_LISTED),

  /** Ends the lock of an address, if there is one, and forgets its failures. The event is on disk first. */
  async clear(address: string, actor: Actor): Promise<void> {
    await change(actor, 'lockouts:write', (_tx, _principal, record) =>
      record({
        action: 'lockout.cleared',
        keyId: null,
        changes: changesBetween(publicLockout(lockout.entryOf(address)), undefined),
      }),
    );
    lockout.clear(address);
  },
});

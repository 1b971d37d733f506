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

  /**
   * Ends the lock of an address, if there is one, and forgets its failures. The event is on disk first. Other replicas may
   * know failures of the address although this one knows none, so they hear of it in any case.
   */
  async clear(address: string, actor: Actor): Promise<void> {
    await change(actor, 'lockouts:write', async (_tx, _principal, record) => {
      const entry = lockout.entryOf(address);
      if (entry.failures === 0) return;
      const changes = changesBetween(publicLockout(entry), undefined);
      await record({ action: 'lockout.cleared', keyId: null, changes });
    });
    lockout.clear(address);
  },
});

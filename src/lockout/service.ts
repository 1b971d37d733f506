import { changesBetween } from '../audit/event.ts';
import type { Change } from '../keys/change.ts';
import type { Actor } from '../lib/principal.ts';
import { kindsOf, type Lockouts } from './kinds.ts';
import { byWeight } from './listing.ts';
import { type KindOfEntry, LOCKOUT_KINDS, publicLockout } from './wire.ts';

export type LockoutService = ReturnType<typeof createLockoutService>;

/** More addresses than anybody reads. */
const MAX_LISTED = 1_000;

/** For operators: who is locked out, and an end of it. */
export const createLockoutService = (lockouts: Lockouts, change: Change) => ({
  async list(): Promise<KindOfEntry[]> {
    const listed = await Promise.all(
      LOCKOUT_KINDS.map(async (kind) =>
        (await lockouts[kind].list(MAX_LISTED)).map((entry) => ({ ...entry, kind })),
      ),
    );
    return listed.flat().sort(byWeight).slice(0, MAX_LISTED);
  },

  /**
   * Ends the locks of an address or an e-mail address, and forgets its failures. The events are on disk first. Other
   * replicas may know failures although this one knows none, so they hear of it in any case.
   */
  async clear(name: string, actor: Actor): Promise<void> {
    const kinds = kindsOf(name);
    await change(actor, 'lockouts:write', async (_tx, _principal, record) => {
      for (const kind of kinds) {
        const entry = lockouts[kind].entryOf(name);
        if (entry.failures === 0) continue;
        const changes = changesBetween(publicLockout({ ...entry, kind }), undefined);
        await record({ action: 'lockout.cleared', keyId: null, changes });
      }
    });
    for (const kind of kinds) lockouts[kind].clear(name);
  },
});

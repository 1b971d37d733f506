import { changesBetween } from '../audit/event.ts';
import type { Db } from '../db/tables.ts';
import type { KeyId, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { type Actor, clientOf } from '../lib/principal.ts';
import type { Change } from './change.ts';
import { assertRotatable, refuse, visible } from './checks.ts';
import type { ApiKey, KeyWithSecret } from './key.ts';
import { DEFAULT_PREFIX, generateRawKey } from './key-format.ts';
import { exceeds, exceedsScopes } from './permission.ts';
import { reachOf } from './reach.ts';
import { assertMayPassOn } from './recent-sign-in.ts';
import { replaceSecret } from './secret-store.ts';
import { type Digests, findKey } from './store.ts';

export type RegenerateParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  change: Change;
  digest: (rawKey: RawKey, client: string) => Promise<Digests>;
  /** @throws DomainError `rate_limited` */
  countChange: (actor: Actor) => Promise<void>;
};

/**
 * Makes the function that gives a key another secret. The key keeps its id and its settings, and the old secret is
 * refused from the moment of the answer. Who may do it is the same as for a rotation: the actor learns the new secret.
 */
export const createRegenerate =
  ({ db, clock, change, digest, countChange }: RegenerateParts) =>
  async (id: KeyId, actor: Actor): Promise<KeyWithSecret> => {
    const asked = visible(await findKey(db, id), reachOf(actor));
    // Before the slow hash, and before the state of the key shows. The transaction decides again.
    refuse(exceedsScopes(actor.principal, asked));
    assertMayPassOn(actor, asked, clock.now());
    assertRotatable(asked, clock.now());
    await countChange(actor);
    const prefix = asked.prefix ?? DEFAULT_PREFIX;
    const rawKey = generateRawKey(prefix);
    const digests = await digest(rawKey, clientOf(actor.principal));
    return change(actor, 'keys:write', async (tx, maker, record) => {
      const before = visible(await findKey(tx, id), maker.reach);
      refuse(exceeds(maker, before));
      assertMayPassOn(actor, before, clock.now());
      assertRotatable(before, clock.now());
      const key = await replaceSecret(tx, id, { ...digests, prefix });
      const changes = changesBetween(secretOf(before), secretOf(key));
      await record({ action: 'key.regenerated', key, changes });
      return { key, rawKey };
    });
  };

/** What clients and the audit log see of a secret. */
const secretOf = ({ prefix, hint }: ApiKey) => ({ prefix, hint });

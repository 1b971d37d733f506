import { changesBetween } from '../audit/event.ts';
import type { KeyId } from '../lib/brand.ts';
import { type Actor, clientOf } from '../lib/principal.ts';
import { assertRotatable, refuse, visible } from './checks.ts';
import type { KeyWithSecret } from './key.ts';
import { DEFAULT_PREFIX, generateRawKey } from './key-format.ts';
import { exceeds, exceedsScopes } from './permission.ts';
import { reachOf } from './reach.ts';
import { assertMayPassOn } from './recent-sign-in.ts';
import type { RegenerateParts } from './regenerate.ts';
import type { OwnScope } from './scopes.ts';
import { type Consume, countSelfRotation } from './self-rotation.ts';
import { findKey, insertKey, updateKey } from './store.ts';
import { publicSettings } from './wire.ts';

/**
 * Makes the function that gives a key a successor with the same settings. The old key stays valid for the grace.
 * Without a scope, the key rotates itself.
 */
export const createRotate =
  ({ db, clock, change, digest, countChange, consume }: RegenerateParts & { consume: Consume }) =>
  async (id: KeyId, scope: OwnScope | undefined, graceMs: number, actor: Actor): Promise<KeyWithSecret> => {
    const asked = visible(await findKey(db, id), reachOf(actor));
    // Before the slow hash, and before the state of the key shows. The transaction decides again.
    refuse(exceedsScopes(actor.principal, asked));
    assertMayPassOn(actor, asked, clock.now());
    assertRotatable(asked, clock.now());
    if (scope === undefined) await countSelfRotation(consume, asked.rootId);
    else await countChange(actor);
    const prefix = asked.prefix ?? DEFAULT_PREFIX;
    const rawKey = generateRawKey(prefix);
    const digests = await digest(rawKey, clientOf(actor.principal));
    return change(actor, scope, async (tx, maker, record) => {
      const before = visible(await findKey(tx, id), maker.reach);
      refuse(exceeds(maker, before));
      const now = clock.now();
      assertMayPassOn(actor, before, now);
      assertRotatable(before, now);
      const key = await insertKey(tx, {
        ...digests,
        settings: before,
        prefix,
        source: 'created',
        createdAt: now,
        rotatedFrom: before,
        account: before.account,
      });
      const expiresAt = Math.min(before.expiresAt ?? Number.POSITIVE_INFINITY, now + graceMs);
      await updateKey(tx, before, { expiresAt, isExpired: graceMs === 0, rotatedTo: key.id });
      const changes = {
        ...changesBetween({ rotated_to: null }, { rotated_to: key.id }),
        ...changesBetween(publicSettings(before), publicSettings({ ...before, expiresAt })),
      };
      await record({ action: 'key.rotated', key: before, changes });
      await record({
        action: 'key.created',
        key,
        changes: changesBetween(undefined, publicSettings(key)),
      });
      return { key, rawKey };
    });
  };

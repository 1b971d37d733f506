import { changesBetween } from '../audit/event.ts';
import type { Db, Tx } from '../db/tables.ts';
import type { Fingerprint, KeyId, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { type Actor, clientOf } from '../lib/principal.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import { createChange, type Revalidate } from './change.ts';
import { assertNotDeclared, isOfFile, keyOf, refuse, visible } from './checks.ts';
import { bcryptInputOf } from './digests.ts';
import { type ApiKey, isAllowedFrom, type KeySettings, type KeyWithSecret } from './key.ts';
import { DEFAULT_PREFIX, generateRawKey, hintOf } from './key-format.ts';
import { countOwnChange } from './own-changes.ts';
import { assertGranted } from './owned.ts';
import { defaultsOf, exceeds, exceedsByChange, exceedsScopes, isLater, isManaging } from './permission.ts';
import { type Reach, reachOf, type Viewer } from './reach.ts';
import { assertMayPassOn } from './recent-sign-in.ts';
import { createRegenerate } from './regenerate.ts';
import { createRotate } from './rotate.ts';
import { everyScope, type OwnScope } from './scopes.ts';
import type { Consume } from './self-rotation.ts';
import * as store from './store.ts';
import { publicSettings } from './wire.ts';

export type KeyService = ReturnType<typeof createKeyService>;

export type KeyServiceParts = {
  db: Db;
  fingerprintOf: (rawKey: RawKey) => Fingerprint;
  bcrypt: Pick<BcryptPool, 'hash'>;
  clock: Clock;
  revalidate: Revalidate;
  limiter: Readonly<{ consume: Consume }>;
};

/** What a caller chooses for a key. `expiresIn`: milliseconds from now, in place of `expiresAt`. */
export type ChosenSettings = Partial<KeySettings> & Readonly<{ expiresIn?: number }>;

/** The maker's own settings are the defaults of some. */
export type NewKeySettings = ChosenSettings & Readonly<{ prefix?: string }>;

/** The settings of a key that a client registers: it holds everything. */
export const registeredSettings = (label: string): KeySettings => ({
  ...{ label, owner: '', scopes: everyScope, expiresAt: null },
  ...{ allowedIps: [], rateLimits: [], maxConcurrent: null, metadata: {} },
});

/** Reads and changes keys. Each change has an actor, is checked against what the actor holds, and writes its audit event. */
export function createKeyService({ db, fingerprintOf, bcrypt, clock, revalidate, limiter }: KeyServiceParts) {
  /**
   * Makes the digests of a raw key. bcrypt is slow, so call it before a transaction begins. `client` waits for it, and
   * clients are served in turn.
   */
  const digest = async (rawKey: RawKey, client: string): Promise<store.Digests> => ({
    hint: hintOf(rawKey),
    fingerprint: fingerprintOf(rawKey),
    hash: await bcrypt.hash({ client, input: bcryptInputOf(rawKey) }),
  });

  const change = createChange({ db, clock, revalidate });
  const countChange = (actor: Actor) => countOwnChange(limiter.consume, actor);
  const parts = { db, clock, change, digest, countChange };
  const rotate = createRotate({ ...parts, consume: limiter.consume });

  /** Some key must always be able to manage all keys. */
  async function assertManageable(tx: Tx, before: ApiKey, after: ApiKey | undefined): Promise<void> {
    const isRetired = isManaging(before) && !(after && isManaging(after));
    if (isRetired && !(await store.hasManagingKey(tx, before.id)))
      throw new DomainError({ code: 'last_active_api_key_required' });
  }

  /** Settles when the key will expire. */
  function resolve({ expiresIn, ...chosen }: ChosenSettings): Partial<KeySettings> {
    const now = clock.now();
    if (expiresIn !== undefined) return { ...chosen, expiresAt: now + expiresIn };
    if (typeof chosen.expiresAt === 'number' && chosen.expiresAt <= now) {
      const errors = [{ path: 'expires_at', message: 'must be in the future' }];
      throw new DomainError({ code: 'invalid_request', errors });
    }
    return chosen;
  }

  const setActive = (id: KeyId, isActive: boolean, actor: Actor) =>
    change(actor, 'keys:write', async (tx, maker, record) => {
      const before = visible(await store.findKey(tx, id), maker.reach);
      refuse(isActive ? exceeds(maker, before) : exceedsScopes(maker, before));
      assertNotDeclared(before);
      if (before.isActive === isActive) return before;
      if (isActive) assertMayPassOn(actor, before, clock.now());
      await assertManageable(tx, before, { ...before, isActive });
      const key = await store.updateKey(tx, before, { isActive });
      const changes = changesBetween(publicSettings(before), publicSettings(key));
      await record({ action: isActive ? 'key.activated' : 'key.deactivated', key, changes });
      return key;
    });

  const remove = (id: KeyId, scope: OwnScope | undefined, actor: Actor): Promise<void> =>
    change(actor, scope, async (tx, maker, record) => {
      const before = visible(await store.findKey(tx, id), maker.reach);
      refuse(exceedsScopes(maker, before));
      if (before.isActive) assertNotDeclared(before);
      await assertManageable(tx, before, undefined);
      await store.deleteKey(tx, id);
      await record({
        action: 'key.deleted',
        key: before,
        changes: changesBetween(publicSettings(before), undefined),
      });
    });

  return {
    digest,

    /** @throws DomainError `insufficient_scope` when the key would hold more than its maker, `recent_sign_in_required` */
    async create({ prefix: asked, ...chosen }: NewKeySettings, actor: Actor): Promise<KeyWithSecret> {
      const prefix = asked ?? prefixOf(reachOf(actor));
      const resolved = resolve(chosen);
      // Before the slow hash. The transaction decides again.
      assertMayPassOn(actor, { scopes: chosen.scopes ?? actor.principal.scopes }, clock.now());
      await countChange(actor);
      const rawKey = generateRawKey(prefix);
      const digests = await digest(rawKey, clientOf(actor.principal));
      return change(actor, 'keys:write', async (tx, maker, record) => {
        const settings = { ...registeredSettings(''), ...defaultsOf(maker), ...resolved };
        refuse(exceeds(maker, settings));
        assertMayPassOn(actor, settings, clock.now());
        await assertGranted(tx, { account: maker.account, scopes: settings.scopes });
        const source = 'created';
        const key = await store.insertKey(tx, {
          ...digests,
          settings,
          prefix,
          source,
          createdAt: clock.now(),
          account: maker.account,
        });
        await record({
          action: 'key.created',
          key,
          changes: changesBetween(undefined, publicSettings(key)),
        });
        return { key, rawKey };
      });
    },

    /** @throws DomainError `api_key_not_found`, also for a key that the viewer does not reach */
    get: async (id: KeyId, viewer: Viewer) => visible(await store.findKey(db, id), reachOf(viewer)),

    /**
     * Changes the settings that `chosen` names.
     * @param force whether the caller's own key may become invalid at the caller's address
     */
    async update(id: KeyId, settings: ChosenSettings, force: boolean, actor: Actor): Promise<ApiKey> {
      const chosen = resolve(settings);
      await countChange(actor);
      return change(actor, 'keys:write', async (tx, maker, record) => {
        const before = visible(await store.findKey(tx, id), maker.reach);
        const isExpired = before.isExpired && chosen.expiresAt === undefined;
        const after = { ...before, ...chosen, isExpired };
        refuse(exceedsByChange(maker, before, after));
        if (isOfFile(before, after)) assertNotDeclared(before);
        if (exceeds(before, after)) assertMayPassOn(actor, after, clock.now());
        if (before.rotatedTo !== null && isLater(after, before))
          throw new DomainError({ code: 'api_key_already_rotated', successor: before.rotatedTo });
        await assertGranted(tx, after);
        await assertManageable(tx, before, after);
        const locksOut =
          id === maker.keyId && chosen.allowedIps && !isAllowedFrom(chosen.allowedIps, actor.ip);
        if (locksOut && !force) throw new DomainError({ code: 'caller_would_be_locked_out' });
        const changes = changesBetween(publicSettings(before), publicSettings(after));
        if (Object.keys(changes).length === 0) return before;
        const key = await store.updateKey(tx, before, { ...chosen, isExpired });
        await record({ action: 'key.updated', key, changes });
        return key;
      });
    },

    async activate(id: KeyId, actor: Actor): Promise<ApiKey> {
      await countChange(actor);
      return setActive(id, true, actor);
    },

    deactivate: (id: KeyId, actor: Actor) => setActive(id, false, actor),

    /**
     * Makes a successor with the same settings. The old key stays valid for the grace, and never longer than it would have.
     * @throws DomainError `api_key_already_rotated`, `api_key_not_usable`
     */
    rotate: (id: KeyId, graceMs: number, actor: Actor) => rotate(id, 'keys:write', graceMs, actor),

    regenerate: createRegenerate(parts),

    delete: (id: KeyId, actor: Actor) => remove(id, 'keys:write', actor),

    /** What every key may do with itself, whatever its scopes. */
    self: {
      get: async (viewer: Actor) => visible(await store.findKey(db, keyOf(viewer)), reachOf(viewer)),
      rotate: (graceMs: number, actor: Actor) => rotate(keyOf(actor), undefined, graceMs, actor),
      delete: (actor: Actor) => remove(keyOf(actor), undefined, actor),
    },
  };
}

/** A new key is one that its maker reaches. */
const prefixOf = (reach: Reach) => (reach.to === 'prefix' ? reach.prefix : DEFAULT_PREFIX);

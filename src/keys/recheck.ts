import type { Db } from '../db/tables.ts';
import type { KeyId, Scope } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import type { Address } from '../lib/network.ts';
import { judge } from './key.ts';
import { missingScopes } from './scopes.ts';
import { findKeys } from './store.ts';

/** A key in use for longer than one request, and the address that it is used from. */
export type KeyUse = Readonly<{ id: KeyId; ip: Address | undefined }>;

/** Makes the function that finds the keys which are no longer valid, or no longer hold the scopes. It reads the database once. */
export const createKeyRecheck =
  (db: Db, clock: Pick<Clock, 'now'>, scopes: readonly Scope[]) =>
  async (uses: readonly KeyUse[]): Promise<ReadonlySet<KeyUse>> => {
    const keys = await findKeys(db, [...new Set(uses.map(({ id }) => id))]);
    const byId = new Map(keys.map((key) => [key.id, key]));
    const now = clock.now();
    const isInvalid = ({ id, ip }: KeyUse) => {
      const verdict = judge(byId.get(id), { now, ip });
      return verdict.code !== 'VALID' || missingScopes(verdict.key.scopes, scopes).length > 0;
    };
    return new Set(uses.filter(isInvalid));
  };

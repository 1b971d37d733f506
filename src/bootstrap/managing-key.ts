import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import { bcryptInputOf } from '../keys/digests.ts';
import type { ApiKey } from '../keys/key.ts';
import { DEFAULT_PREFIX, generateRawKey, hintOf } from '../keys/key-format.ts';
import { type KeyServiceParts, registeredSettings } from '../keys/service.ts';
import { insertKey } from '../keys/store.ts';
import { publicSettings } from '../keys/wire.ts';
import type { RawKey } from '../lib/brand.ts';
import { isClaimed } from './store.ts';

export type ManagingKeyParts = Pick<KeyServiceParts, 'fingerprintOf' | 'bcrypt'> & {
  db: Db;
  clock: Pick<KeyServiceParts['clock'], 'now'>;
};

/**
 * Makes a key that can do everything, for an operator when all such keys are lost. It needs the database and the pepper. No
 * other key changes.
 * @returns undefined when no first key was ever registered: this must not bypass the bootstrap token
 */
export const createManagingKey =
  ({ db, clock, fingerprintOf, bcrypt }: ManagingKeyParts) =>
  async (label: string): Promise<{ key: ApiKey; rawKey: RawKey } | undefined> => {
    if (!(await isClaimed(db))) return undefined;
    const rawKey = generateRawKey();
    const digests = {
      hint: hintOf(rawKey),
      fingerprint: fingerprintOf(rawKey),
      hash: await bcrypt.hash({ client: 'operator', input: bcryptInputOf(rawKey) }),
    };
    return transaction(db, async (tx) => {
      const at = clock.now();
      const settings = registeredSettings(label);
      const key = await insertKey(tx, {
        ...{ ...digests, settings, prefix: DEFAULT_PREFIX },
        ...{ source: 'created', createdAt: at, account: null },
      });
      await insertEvent(tx, {
        ...{ at, action: 'key.created', actor: { kind: 'operator' } },
        ...{ address: null, keyId: key.id, requestId: null },
        changes: changesBetween(undefined, publicSettings(key)),
      });
      return { key, rawKey };
    });
  };

import type { Db, Tx } from '../db/tables.ts';
import { findKey } from '../keys/store.ts';
import { DomainError } from '../lib/failure.ts';
import type { Principal } from '../lib/principal.ts';

/**
 * Checks that a principal may still act. It was valid when the request began. But a body can take long to arrive, and a
 * key that was revoked in the meantime must not change anything.
 * @throws DomainError `invalid_api_key`
 */
export async function revalidate(handle: Db | Tx, principal: Principal): Promise<void> {
  const key = await findKey(handle, principal.id);
  if (!key?.isActive) throw new DomainError({ code: 'invalid_api_key', remaining: undefined });
}

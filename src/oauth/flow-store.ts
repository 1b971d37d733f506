import type { Selectable } from 'kysely';
import type { Db, OAuthFlowTable, Tx } from '../db/tables.ts';

/** Sign-ins that are under way. All threads and replicas see them, because the answer can reach any of them. */

export type Flow = Selectable<OAuthFlowTable>;

/** Also removes those that are over, so the table does not grow. */
export async function insertFlow(tx: Tx, flow: Flow, now: number): Promise<void> {
  await tx.deleteFrom('oauth_flows').where('expires_at', '<=', now).execute();
  await tx.insertInto('oauth_flows').values(flow).execute();
}

/** Takes a flow whose answer has arrived. Of several answers at once, one gets it. */
export const takeFlow = (tx: Tx, state: string, now: number): Promise<Flow | undefined> =>
  tx
    .updateTable('oauth_flows')
    .set({ status: 'used' })
    .where('state', '=', state)
    .where('status', '=', 'pending')
    .where('expires_at', '>', now)
    .returningAll()
    .executeTakeFirst();

export async function endFlow(tx: Tx, state: string, error: string | null): Promise<void> {
  await tx
    .updateTable('oauth_flows')
    .set({ status: error === null ? 'done' : 'failed', error, verifier: '' })
    .where('state', '=', state)
    .execute();
}

export const findFlow = (db: Db, state: string, now: number): Promise<Flow | undefined> =>
  db
    .selectFrom('oauth_flows')
    .selectAll()
    .where('state', '=', state)
    .where('expires_at', '>', now)
    .executeTakeFirst();

/** Whether nobody else has the lease. It ends by itself, so a process that dies holds nobody up for long. */
export async function takeLease(tx: Tx, name: string, now: number, endsAt: number): Promise<boolean> {
  const taken = await tx
    .insertInto('oauth_leases')
    .values({ name, ends_at: endsAt })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ ends_at: endsAt }).where('oauth_leases.ends_at', '<=', now),
    )
    .returning('name')
    .executeTakeFirst();
  return taken !== undefined;
}

export async function giveLeaseBack(tx: Tx, name: string, endsAt: number): Promise<void> {
  await tx.deleteFrom('oauth_leases').where('name', '=', name).where('ends_at', '=', endsAt).execute();
}

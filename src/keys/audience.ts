import type { Db } from '../db/tables.ts';
import type { AccountId } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import type { Revalidate } from './change.ts';

/** The account whose audit events somebody sees; undefined for whom sees all. It throws a DomainError unless they may. */
export type AudienceOf = (actor: Actor) => Promise<AccountId | undefined>;

/** Who reaches the keys of one account alone sees the events of that account, of its keys, and what it did. */
export const createAudience =
  (db: Db, revalidate: Revalidate): AudienceOf =>
  async (actor) => {
    const { reach } = await revalidate(db, actor, 'audit:read');
    if (reach.to === 'every') return undefined;
    if (reach.to === 'account') return reach.id;
    throw new DomainError({ code: 'insufficient_scope', reason: 'route', scopes: ['audit:read'] });
  };

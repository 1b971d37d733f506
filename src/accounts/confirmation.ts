import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { AccountPrincipal, Actor } from '../lib/principal.ts';
import { findRow } from './account-store.ts';
import { type Attempt, attempterOf, failed, passed } from './attempts.ts';
import { type Passwords, waiterOf } from './passwords.ts';

const RECENT_MS = 15 * 60_000;

/**
 * Checks that a person is the one who signed in, before a change that a stolen session must not make. A key presents its
 * secret with each request, so it needs nothing more.
 * @param password the password of the request; undefined without one
 * @throws DomainError `recent_sign_in_required`; for a wrong password what a sign-in throws
 */
export type ConfirmIdentity = (actor: Actor, password: string | undefined) => Promise<void>;

export type ConfirmationParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  passwords: Pick<Passwords, 'matches'>;
  attempt: Attempt;
};

/** @throws DomainError `recent_sign_in_required` */
export function assertRecent({ signedInAt }: Pick<AccountPrincipal, 'signedInAt'>, now: number): void {
  if (now - signedInAt >= RECENT_MS) throw new DomainError({ code: 'recent_sign_in_required' });
}

export const createConfirmIdentity =
  ({ db, clock, passwords, attempt }: ConfirmationParts): ConfirmIdentity =>
  async (actor, password) => {
    const { principal } = actor;
    if (principal.kind === 'key') return;
    if (password === undefined) return assertRecent(principal, clock.now());
    await attempt(attempterOf(actor), async () => {
      const row = await findRow(db, principal.id);
      const isRight = await passwords.matches(waiterOf(actor), password, row?.password_hash);
      return isRight ? passed : failed('invalid_sign_in');
    });
  };

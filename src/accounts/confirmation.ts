import type { Db } from '../db/tables.ts';
import { assertRecent } from '../keys/recent-sign-in.ts';
import type { Clock } from '../lib/clock.ts';
import type { Actor } from '../lib/principal.ts';
import { findRow } from './account-store.ts';
import { type Attempt, attempterOf, passed, wrongPassword } from './attempts.ts';
import { type Passwords, waiterOf } from './passwords.ts';

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

/**
 * Checks the password of a request, which counts as a sign-in from then on. Services that decide later whether a change
 * needs one get the actor that it returns.
 * @param password undefined without one: then the actor stays as it is
 * @throws DomainError for a wrong password what a sign-in throws
 */
export type CheckPassword = (actor: Actor, password: string | undefined) => Promise<Actor>;

export const createCheckPassword =
  ({ db, clock, passwords, attempt }: ConfirmationParts): CheckPassword =>
  async (actor, password) => {
    const { principal } = actor;
    if (principal.kind === 'key' || password === undefined) return actor;
    await attempt(attempterOf(actor), async () => {
      const row = await findRow(db, principal.id);
      const isRight = await passwords.matches(waiterOf(actor), password, row?.password_hash);
      return isRight ? passed : wrongPassword('password');
    });
    return { ...actor, principal: { ...principal, signedInAt: clock.now() } };
  };

export const createConfirmIdentity =
  (checkPassword: CheckPassword, clock: Pick<Clock, 'now'>): ConfirmIdentity =>
  async (actor, password) => {
    const { principal } = await checkPassword(actor, password);
    if (principal.kind === 'account') assertRecent(principal, clock.now());
  };

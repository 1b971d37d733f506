import { changesBetween } from '../audit/event.ts';
import { insertEvent } from '../audit/store.ts';
import type { Tx } from '../db/tables.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import type { Account } from './account.ts';
import { updateAccount } from './account-store.ts';
import { deleteExpiredSessions, insertSession, type SessionRow } from './session-store.ts';
import { newToken } from './tokens.ts';

/** A request without a session. */
export type Visitor = Readonly<{
  /** The address of the client: canonical text, or "unknown". */
  address: string;
  /** The address that failed sign-ins count for; undefined when they do not count. */
  lockoutKey: string | undefined;
  requestId: string;
  userAgent: string;
}>;

/** A sign-in: the account, and the secret of its new session. No other answer contains it. */
export type SignedIn = Readonly<{ account: Account; token: RawKey; sessionId: SessionRow['id'] }>;

export type StartSession = (
  tx: Tx,
  account: Account,
  kind: SessionRow['kind'],
  visitor: Visitor,
) => Promise<SignedIn>;

export type StartSessionParts = {
  fingerprintOf: (token: RawKey) => Fingerprint;
  clock: Pick<Clock, 'now'>;
  /** How long a session lasts after its last renewal, in milliseconds. */
  lifetimeMs: number;
};

const MAX_USER_AGENT = 200;

/** Makes the function that starts a session. Call it only when the password was right. */
export const createStartSession =
  ({ fingerprintOf, clock, lifetimeMs }: StartSessionParts): StartSession =>
  async (tx, account, kind, { address, requestId, userAgent }) => {
    const now = clock.now();
    const { token, fingerprint } = newToken(kind, fingerprintOf);
    await deleteExpiredSessions(tx, now);
    const { id } = await insertSession(tx, {
      account_id: account.id,
      kind,
      fingerprint,
      created_at: now,
      signed_in_at: now,
      renewed_at: now,
      expires_at: now + lifetimeMs,
      address,
      user_agent: userAgent.slice(0, MAX_USER_AGENT),
    });
    await updateAccount(tx, account.id, { last_sign_in_at: now });
    await insertEvent(tx, {
      at: now,
      action: 'session.started',
      actor: { kind: 'account', id: account.id, label: account.email },
      address,
      keyId: null,
      accountId: account.id,
      changes: changesBetween(undefined, { kind, session: id }),
      requestId,
    });
    return { account: { ...account, lastSignInAt: now }, token, sessionId: id };
  };

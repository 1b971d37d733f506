import type { BackgroundWriter, Reader } from '../db/engine.ts';
import { createEpochCache } from '../db/epoch-cache.ts';
import type { Db } from '../db/tables.ts';
import { isGenerated } from '../keys/key-format.ts';
import { type Fingerprint, RawKey } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { AccountPrincipal } from '../lib/principal.ts';
import { accountColumns, toAccount } from './account-store.ts';
import {
  type LacksTwoFactor,
  renewQuery,
  type SessionRow,
  sessionColumns,
  toPrincipal,
} from './session-store.ts';
import { TOKEN_PREFIXES } from './tokens.ts';

const CACHED = 1_000;
const RENEW_AFTER_MS = 86_400_000;

/** Verifies the token of a session or an access token; undefined when it is unknown or over. */
export type SessionLookup = (
  token: string,
  kind: SessionRow['kind'],
) => MaybePromise<AccountPrincipal | undefined>;

export type SessionLookupParts = {
  db: Db;
  reader: Reader;
  writer: BackgroundWriter;
  fingerprintOf: (token: RawKey) => Fingerprint;
  previousFingerprintOf?: ((token: RawKey) => Fingerprint) | undefined;
  clock: Pick<Clock, 'now'>;
  lacksTwoFactor: LacksTwoFactor;
  /** How long a session lasts after its last renewal, in milliseconds. */
  lifetimeMs: number;
  /** Called when the expiry of a session that is used could not be moved. */
  onError: (error: unknown) => void;
};

type Known = Readonly<{ session: Omit<SessionRow, 'fingerprint'>; principal: AccountPrincipal }>;

const isDue = ({ renewed_at }: Pick<SessionRow, 'renewed_at'>, now: number) =>
  now - renewed_at >= RENEW_AFTER_MS;

/** Looks tokens up by their fingerprint. Results are cached until anybody commits a change. */
export function createSessionLookup(parts: SessionLookupParts): SessionLookup {
  const { db, reader, writer, fingerprintOf, clock, lacksTwoFactor, lifetimeMs, onError } = parts;
  const { previousFingerprintOf } = parts;
  const findSession = reader.find('sessions', 'fingerprint', sessionColumns);
  const findAccount = reader.find('accounts', 'id', accountColumns);
  const cache = createEpochCache<Known>(reader.epoch, CACHED);

  function read(fingerprint: Fingerprint): MaybePromise<Known | undefined> {
    return andThen(findSession(fingerprint), (session) =>
      session === undefined
        ? undefined
        : andThen(findAccount(session.account_id), (row) =>
            row === undefined
              ? undefined
              : { session, principal: toPrincipal(session, toAccount(row), lacksTwoFactor) },
          ),
    );
  }

  /** Once a day at most. Nobody waits for it. */
  function renewed({ session, principal }: Known, now: number): AccountPrincipal {
    if (!isDue(session, now)) return principal;
    writer.run(renewQuery(db, session.id, now, now + lifetimeMs)).catch(onError);
    return { ...principal, isRenewed: true };
  }

  return (token, kind) => {
    if (!isGenerated(token, TOKEN_PREFIXES[kind])) return undefined;
    const fingerprint = fingerprintOf(RawKey(token));
    const now = clock.now();
    const cached = cache.get(fingerprint);
    // Another process may have renewed it, and renewals are not announced.
    const known = cached && isDue(cached.session, now) ? undefined : cached;
    const found =
      known ??
      andThen(
        read(fingerprint),
        (now) => now ?? (previousFingerprintOf && read(previousFingerprintOf(RawKey(token)))),
      );
    if (!known) cache.keep(fingerprint, found);
    return andThen(found, (each) => {
      if (!each || each.session.kind !== kind || each.session.expires_at <= now) return undefined;
      return renewed(each, now);
    });
  };
}

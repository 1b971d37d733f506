import type { Db } from '../db/tables.ts';
import { transaction } from '../db/transaction.ts';
import type { GatewayConfig } from '../gateway-file/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { AuthDir } from './auth-dir.ts';
import { refresh } from './exchange.ts';
import { giveLeaseBack, takeLease } from './flow-store.ts';
import { settingsOf } from './flows.ts';
import { markOf, readBeside, type Session, sessionOf, writeBeside } from './sessions.ts';
import { type Grant, parseTokenFile, serialize, tokensOf, withGrant } from './token-file.ts';

/** Enough for several attempts while the provider cannot be reached. */
const BEFORE_EXPIRY_MS = 5 * 60_000;
/** Longer than a request to the provider can take. */
const LEASE_MS = 60_000;

export type RefresherParts = {
  db: Db;
  clock: Pick<Clock, 'now'>;
  directory: AuthDir;
  config: () => GatewayConfig;
  logger: Logger;
};

/**
 * Refreshes tokens before they expire. A provider may accept a refresh token only once, so of all threads and replicas one
 * refreshes a session at a time: it holds a lease in the database. Copies of a token file share the lease.
 */
export function createRefresher({ db, clock, directory, config, logger }: RefresherParts) {
  /** The sessions whose provider could not be asked. Each outage is logged once. */
  const failing = new Set<string>();

  function isDue({ tokens, provider, isRefused }: Session): boolean {
    const { refreshToken, expiresAt } = tokens;
    if (isRefused || refreshToken === '' || expiresAt === undefined) return false;
    return settingsOf(config(), provider) !== undefined && expiresAt - clock.now() < BEFORE_EXPIRY_MS;
  }

  async function readAgain(name: string) {
    const file = await directory.read(name);
    const beside = await readBeside(directory, name);
    const session = file && sessionOf(file, beside);
    return session && { beside, session };
  }

  /** Copies of a token file get the new tokens too: a provider may accept the refresh token only once. */
  async function store(refreshToken: string, grant: Grant): Promise<void> {
    for (const { name, content } of await directory.list()) {
      const file = parseTokenFile(content.toString()) ?? {};
      if (tokensOf(file).refreshToken === refreshToken)
        await directory.write(name, serialize(withGrant(file, grant, clock.now())));
    }
  }

  /** Another thread may have refreshed it before this one got the lease. */
  async function refreshWithLease({ name, tokens }: Session): Promise<void> {
    const before = await readAgain(name);
    if (before?.session.tokens.refreshToken !== tokens.refreshToken || !isDue(before.session)) return;
    const { provider } = before.session;
    const settings = settingsOf(config(), provider);
    if (!settings) return;
    const exchanged = await refresh(settings, tokens.refreshToken);
    // Somebody may have ended the session, or signed in again.
    const now = await readAgain(name);
    if (now?.session.tokens.refreshToken !== tokens.refreshToken) return;
    if (exchanged.state === 'granted') {
      await store(tokens.refreshToken, exchanged.grant);
      if (failing.delete(name))
        logger.info({ session: name, provider }, 'the OAuth session is refreshed again');
    } else if (exchanged.state === 'refused') {
      await writeBeside(directory, name, { ...now.beside, refused: markOf(tokens.refreshToken) });
      logger.warn(
        { session: name, provider, error: exchanged.error },
        `the OAuth session ${name} is expired, because ${provider} refused to refresh it: sign in again with POST /v0/management/oauth/${provider}`,
      );
    } else if (!failing.has(name)) {
      failing.add(name);
      logger.warn(
        { session: name, provider, error: exchanged.error },
        `the OAuth session ${name} could not be refreshed yet: check that oauth.${provider}.token-url can be reached`,
      );
    }
  }

  async function refreshOne(session: Session): Promise<void> {
    const lease = `${config().authDir}/${markOf(session.tokens.refreshToken)}`;
    const now = clock.now();
    const endsAt = now + LEASE_MS;
    if (!(await transaction(db, (tx) => takeLease(tx, lease, now, endsAt)))) return;
    try {
      await refreshWithLease(session);
    } finally {
      await transaction(db, (tx) => giveLeaseBack(tx, lease, endsAt));
    }
  }

  return {
    /** @returns whether any of them was due */
    async refreshDue(sessions: readonly Session[]): Promise<boolean> {
      const due = sessions.filter(isDue);
      await Promise.all(
        due.map((session) =>
          refreshOne(session).catch((err: unknown) => {
            const { name } = session;
            logger.warn({ err, session: name }, `the OAuth session ${name} could not be refreshed yet`);
          }),
        ),
      );
      return due.length > 0;
    },
  };
}

import { stat } from 'node:fs/promises';
import type { OAuthProvider } from '../gateway-file/config.ts';
import type { LiveConfig } from '../gateway-file/live.ts';
import { DomainError } from '../lib/failure.ts';
import type { Logger } from '../lib/logger.ts';
import { isNews, type News } from '../lib/news.ts';
import type { TokenCredential } from '../upstreams/credential.ts';
import { createAuthDir } from './auth-dir.ts';
import { createAuthFiles } from './auth-files.ts';
import { createFlows, type FlowParts } from './flows.ts';
import { providers } from './providers.ts';
import { createRefresher } from './refresher.ts';
import { isExpired, readSessions, type Session } from './sessions.ts';
import { chooseTokenFile } from './sign-in-file.ts';
import { type Grant, serialize, withGrant } from './token-file.ts';
import { describeUnused } from './unused-files.ts';

/** How soon a thread notices what another one has stored. It reads one directory entry. */
const NOTICE_EVERY_MS = 1_000;
const REFRESH_EVERY_MS = 30_000;

export type ListedSession = Readonly<{
  id: string;
  provider: OAuthProvider;
  name: string;
  email: string;
  status: 'active' | 'expired';
  prefix: string | null;
  expires_at: string | null;
  updated_at: string;
}>;

export type OAuthParts = Pick<FlowParts, 'db' | 'clock' | 'seal'> & {
  live: Pick<LiveConfig, 'current' | 'onChange'>;
  logger: Logger;
  /** What was last logged about the files that are not used. */
  said: News;
  /** Called with all tokens that can be used now, whenever they change. */
  setTokens: (tokens: readonly TokenCredential[]) => void;
};

export type OAuth = ReturnType<typeof createOAuth>;

/** The sessions with model providers: sign-in, storage, refresh, and the tokens for the upstreams. */
export function createOAuth({ db, clock, seal, live, logger, said, setTokens }: OAuthParts) {
  const config = live.current;
  const directory = createAuthDir(() => config().authDir);
  const authFiles = createAuthFiles(directory, logger);
  const refresher = createRefresher({ db, clock, directory, config, logger });
  let sessions: readonly Session[] = [];
  let given = '[]';
  let seenAt = -1;
  /** Each outage of the directory is logged once. */
  let isUnusable = false;

  function credentials(): TokenCredential[] {
    const usable = sessions.filter((session) => !isExpired(session, clock.now()));
    return usable.map(({ provider, name, tokens, prefix }) => {
      const settings = config().oauth[provider];
      return {
        protocol: providers[provider].protocol,
        name,
        accessToken: tokens.accessToken,
        prefix: prefix ?? settings?.prefix ?? null,
        baseUrl: settings?.baseUrl ?? null,
      };
    });
  }

  function give(): void {
    const tokens = credentials();
    const text = JSON.stringify(tokens);
    if (text === given) return;
    given = text;
    setTokens(tokens);
  }

  /** Reads the directory again. */
  async function reload(): Promise<void> {
    // First the time, so that a change during the reading is noticed later.
    seenAt = await changedAt();
    const content = await readSessions(directory);
    sessions = content.sessions;
    give();
    sayUnused(content.unused);
  }

  /** Of all threads, one says it. */
  function sayUnused(unused: ReadonlyMap<string, string>): void {
    const text = describeUnused(unused);
    if (isNews(said, text) && text !== '') logger.warn(text);
  }

  const changedAt = () =>
    stat(config().authDir).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );

  async function notice(): Promise<void> {
    if ((await changedAt()) !== seenAt) await reload();
  }

  async function refreshDue(): Promise<void> {
    await reload();
    if (await refresher.refreshDue(sessions)) await reload();
  }

  async function keep(provider: OAuthProvider, grant: Grant): Promise<void> {
    const { name, file, takenName } = await chooseTokenFile(directory, provider, grant);
    await directory.write(name, serialize(withGrant(file, grant, clock.now())));
    await reload();
    logger.info({ provider, session: name }, 'a person has signed in with a provider');
    if (takenName !== undefined)
      logger.warn(
        { provider, session: name },
        `${takenName} belongs to another account with the same name, so the new session is in ${name}`,
      );
  }

  const flows = createFlows({
    ...{ db, clock, seal, config, onGranted: keep },
    onFailed: (provider, error) =>
      logger.warn({ provider, error }, `the sign-in with ${provider} failed: ${error}. Start another one`),
  });

  const quietly = (work: () => Promise<void>) => () => {
    void tryTo(work);
  };
  async function tryTo(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      isUnusable = false;
    } catch (error) {
      if (isUnusable) return;
      isUnusable = true;
      const err = error instanceof DomainError ? error.cause : error;
      logger.warn(
        { err },
        `auth-dir ${config().authDir} cannot be used, so no token is: let it be a directory of the user of Keyhearth`,
      );
    }
  }
  live.onChange(quietly(reload));
  const timers = [
    setInterval(quietly(notice), NOTICE_EVERY_MS),
    setInterval(quietly(refreshDue), REFRESH_EVERY_MS),
  ];
  for (const timer of timers) timer.unref();

  return {
    ...flows,
    authFiles,
    /** Reads the directory for the first time. A directory that cannot be used must not stop the gateway. */
    async begin(): Promise<void> {
      await tryTo(reload);
      // Tokens may have expired while the gateway was off. A provider that is slow does not delay the start.
      void tryTo(refreshDue);
    },
    reload,
    notice,
    refreshDue,

    async sessions(): Promise<ListedSession[]> {
      await reload();
      const now = clock.now();
      return sessions.map((session) => {
        const { id, provider, name, prefix, tokens, modifiedAt } = session;
        const { email, expiresAt } = tokens;
        return {
          ...{ id, provider, name, email, prefix },
          status: isExpired(session, now) ? 'expired' : 'active',
          expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
          updated_at: new Date(modifiedAt).toISOString(),
        };
      });
    },

    /** @returns the name of the session that ended; undefined when there is none with this id */
    async endSession(id: string): Promise<string | undefined> {
      const name = (await readSessions(directory)).sessions.find((session) => session.id === id)?.name;
      if (name === undefined || !(await directory.remove(name))) return undefined;
      await reload();
      return name;
    },

    close(): void {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

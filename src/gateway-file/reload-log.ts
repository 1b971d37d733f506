import type { Logger } from '../lib/logger.ts';
import type { FileProblem } from './config.ts';
import type { Synced } from './live.ts';
import type { LoadedState } from './reload-memory.ts';

/** A line of the log does not name more keys. */
const MAX_HINTS = 50;

type Reload = Readonly<{
  now: LoadedState;
  /** Undefined at the start. */
  before: LoadedState | undefined;
  synced: Synced;
  /** The file says the same as before. */
  isSame: boolean;
}>;

/** What the log says about the file. The thread that reloads it writes this, so it is there once. */
export const createReloadLog = (file: string, logger: Logger) => ({
  refused: ({ sentence }: FileProblem) =>
    logger.error(
      { file },
      `the gateway keeps its last configuration, because its file is not valid: ${sentence}`,
    ),

  accepted({ now, before, synced, isSame }: Reload): void {
    for (const warning of now.warnings)
      if (!before?.warnings.includes(warning)) logger.warn({ file }, `the file of the gateway: ${warning}`);
    if (isSame && synced.state !== 'changed' && !before?.problem) return;
    logger.info(
      { file, ...(synced.state === 'changed' && keysOf(synced)) },
      `the file of the gateway was ${before ? 'reloaded' : 'read'}`,
    );
    if (synced.state === 'changed') warnAboutKeys(logger, synced);
    if (now.config.clientKeys.length === 0)
      logger.warn({ file }, 'the gateway needs no API key, because its file has none: every request passes');
    if (!now.config.wsAuth)
      logger.warn({ file }, 'WebSockets of the gateway need no API key, because ws-auth is false');
  },
});

type Changed = Extract<Synced, { state: 'changed' }>;

const some = (hints: readonly string[]) => hints.slice(0, MAX_HINTS);

const keysOf = ({ added, removed }: Changed) => ({
  ...{ keysAdded: added.length, keysRemoved: removed.length },
  ...{ added: some(added), removed: some(removed) },
});

function warnAboutKeys(logger: Logger, { foreign, forgotten }: Changed): void {
  if (foreign.length > 0)
    logger.warn(
      { keys: some(foreign) },
      'the file of the gateway has API keys that exist already; their own settings decide about them',
    );
  if (forgotten.length > 0)
    logger.warn(
      { keys: some(forgotten) },
      'API keys of the gateway lost their settings together with the pepper',
    );
}

import { type Config, parseConfig, unknownVariables } from './config.ts';
import { nameOf } from './db/location.ts';
import { StartupError } from './lib/errors.ts';
import { createLogger, type LogOutput, standardOutput } from './lib/logger.ts';
import { type Service, serve } from './serve.ts';
import { startWorkers } from './workers/supervisor.ts';

const GRACE_MS = 10_000;
/** Ctrl-C under npm arrives twice, from the terminal and from npm; a person who means it again takes longer. */
const SAME_SIGNAL_MS = 100;

/** Everything that this process writes is for its own user alone. */
process.umask(0o077);

async function start(): Promise<void> {
  const config = parseConfig(process.env);
  const output = standardOutput(process.stdout.isTTY);
  const log = createLogger(config.logLevel, output);
  warnOfIdleVariables(config, log);
  const starting =
    config.workers === 1 ? serve(config, log.logger) : startWorkers(config, log.logger, output);
  // The first worker serves before the last one does: whoever stops the service in between must lose nothing either.
  stopOnSignal(starting, log);
  process.on('uncaughtException', failAfterFlush(log));
  const service = await starting.finally(log.flush);
  announce(config, service, log);
}

/** Before the start: the variable that was meant may be the one for want of which it fails. */
function warnOfIdleVariables(config: Config, { logger }: LogOutput): void {
  const unknown = unknownVariables(process.env);
  if (unknown.length > 0) logger.warn(`not a setting of Keyhearth, and passed over: ${unknown.join(', ')}`);
  if (config.database.engine === 'sqlite') {
    for (const name of ['KEYHEARTH_DATABASE_POOL', 'KEYHEARTH_CACHE'] as const) {
      if (process.env[name] !== undefined) logger.warn(`${name} has no effect with SQLite`);
    }
  }
}

function announce(config: Config, { port, bootstrapOpen }: Service, { logger }: LogOutput): void {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const address = `http://${host}:${port}`;
  const openTo = config.bootstrapToken === undefined ? 'open' : 'open to who has the token';
  const bootstrap = bootstrapOpen ? openTo : 'closed';
  const { workers } = config;
  const database = nameOf(config.database);
  logger.info(
    { address, database, bootstrap, workers, docs: `${address}/docs` },
    `Keyhearth listens on ${address}; bootstrap is ${bootstrap}`,
  );
  if (config.lockout.attempts === 0) {
    logger.error(
      'THE LOCKOUT IS OFF: keys can be guessed without limit, because KEYHEARTH_LOCKOUT_ATTEMPTS is 0',
    );
  }
}

/** What led to a fault stands in the last lines of the log, which are still held back. */
function failAfterFlush({ flush }: LogOutput): (error: unknown) => void {
  return (error) => void flush().then(() => fail(error));
}

function stopOnSignal(starting: Promise<Service>, log: LogOutput): void {
  const { logger, flush } = log;
  let stoppingSince: number | undefined;

  async function stop(signal: string): Promise<void> {
    logger.info(`${signal}: finishing what is in flight`);
    const service = await starting;
    await service.stop(GRACE_MS);
    logger.info('stopped');
    await flush();
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stoppingSince !== undefined) {
        if (performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
        return;
      }
      stoppingSince = performance.now();
      stop(signal).then(() => process.exit(0), failAfterFlush(log));
    });
  }
}

/** One sentence for what the operator can mend, a stack for what only a programmer can. */
function fail(error: unknown): void {
  process.stderr.write(
    error instanceof StartupError
      ? `keyhearth: ${error.message}\n`
      : `keyhearth: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(1);
}

start().catch(fail);

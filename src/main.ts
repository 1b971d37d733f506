import { answerArguments } from './arguments.ts';
import { gatewayVariables } from './config/gateway.ts';
import { describeUnknown } from './config/names.ts';
import { type Config, parseConfig, unknownVariables } from './config.ts';
import { displayName } from './db/location.ts';
import { activatedSocket } from './http/server/activation.ts';
import type { AnyEndpoint } from './http/server/bind.ts';
import { createLogger, type Logger, type LogSink, standardOutput } from './lib/logger.ts';
import { isLoopbackHost } from './lib/loopback.ts';
import { forgetNews } from './lib/news.ts';
import { StartupError } from './lib/startup-error.ts';
import { keepTickShape } from './lib/tick-shape.ts';
import { openMetricsPort } from './metrics-port.ts';
import { type Service, type SharedMemory, serve, sharedMemory } from './serve.ts';
import { assertPortsFree } from './workers/ports.ts';
import { startWorkers } from './workers/supervisor.ts';

const GRACE_MS = 10_000;
/** Under npm, Ctrl-C arrives twice: from the terminal and from npm. A person presses it more slowly. */
const SAME_SIGNAL_MS = 100;

/** Only the user of this process may read the files that it writes. */
process.umask(0o077);
keepTickShape();

type Log = { logger: Logger; flush: LogSink['flush'] };

async function start(): Promise<void> {
  const config = parseConfig(process.env);
  const output = standardOutput(process.stdout.isTTY);
  const logger = createLogger(config.logLevel, output);
  const log = { logger, flush: output.flush };
  warnOfUnusedVariables(config, logger);
  const memory = sharedMemory(config);
  if (config.metricsListen) {
    const { url } = await openMetricsPort(config.metricsListen, memory, logger);
    logger.info({ metrics: url }, `The metrics are at ${url}, without a key`);
  }
  const starting =
    config.workers === 1 ? serveAlone(config, logger, memory) : startWorkers(config, logger, output, memory);
  // The first worker serves before the last one starts. A stop between them must lose nothing.
  stopOnSignal(starting, log);
  process.on('uncaughtException', failAfterFlush(log));
  // Without certificates, the signal ends the process, as a terminal that closes expects it.
  if (config.tls || config.gateway) process.on('SIGHUP', () => void reload(starting, memory, logger));
  const service = await starting.finally(log.flush);
  announce(config, service, logger);
}

async function reload(starting: Promise<Service>, memory: SharedMemory, logger: Logger): Promise<void> {
  logger.info('SIGHUP: reading the certificates again');
  const service = await starting;
  // An operator who sends the signal expects an answer, even if the log has the same line already.
  for (const said of [memory.coreCertificate, memory.gatewayNews.certificate]) forgetNews(said);
  await service.reload();
}

/** A start that fails must not have changed the keys that a running gateway declares. So it looks at the ports first. */
async function serveAlone(config: Config, logger: Logger, memory: SharedMemory): Promise<Service> {
  if (config.gateway) await assertPortsFree(config);
  return serve(config, logger, { core: endpointOf(config) }, memory);
}

function endpointOf(config: Config): AnyEndpoint {
  const { listen, host, port } = config;
  if (listen === undefined) return { host, port, isShared: false };
  return listen === 'systemd' ? activatedSocket(process.env, process.pid) : listen;
}

/** Call it before the start, which can fail because of such a variable. */
function warnOfUnusedVariables(config: Config, logger: Logger): void {
  const unknown = unknownVariables(process.env).map(describeUnknown);
  if (unknown.length > 0) logger.warn(`not a setting of Keyhearth, and ignored: ${unknown.join(', ')}`);
  const set = Object.keys(process.env);
  if (config.database.engine === 'sqlite') {
    for (const name of set.filter((each) => ['KEYHEARTH_DATABASE_POOL', 'KEYHEARTH_CACHE'].includes(each)))
      logger.warn(`${name} has no effect with SQLite`);
  }
  if (config.gateway === undefined) {
    for (const name of set.filter(isOfGateway))
      logger.warn(`${name} has no effect without KEYHEARTH_GATEWAY_CONFIG`);
  }
}

/** MANAGEMENT_PASSWORD may belong to another program. */
const isOfGateway = (name: string) => name in gatewayVariables && name.startsWith('KEYHEARTH_');

function announce(config: Config, service: Service, logger: Logger): void {
  const { address, gatewayAddress, bootstrapOpen, needsSetup } = service;
  const isUrl = !address.startsWith('unix:');
  const openTo = config.bootstrapToken === undefined ? 'open' : 'open with the token';
  const bootstrap = bootstrapOpen ? openTo : 'closed';
  const { workers } = config;
  const lockout = config.lockout.attempts === 0 ? 'off' : config.lockout.by;
  const database = displayName(config.database);
  const setup = needsSetup && isUrl ? `${address}/dashboard/setup` : undefined;
  const nextStep = setup === undefined ? '' : `; set up the first administrator at ${setup}`;
  logger.info(
    { address, database, bootstrap, lockout, workers, docs: isUrl ? `${address}/docs` : undefined, setup },
    `Keyhearth listens on ${address}; bootstrap is ${bootstrap}${nextStep}`,
  );
  if (gatewayAddress !== undefined)
    logger.info({ gateway: gatewayAddress }, `The gateway listens on ${gatewayAddress}`);
  if (bootstrapOpen && config.bootstrapToken === undefined && isUrl && !isLoopbackHost(hostOf(address))) {
    logger.warn(
      'The first key is not registered yet, and anybody who reaches this port can register it. Register it now, or set KEYHEARTH_BOOTSTRAP_TOKEN.',
    );
  }
  if (config.trustedProxies.some(isLoopbackNetwork) && config.allowedHosts.length === 0) {
    logger.warn(
      'A web page in a browser of this machine can send requests as the trusted proxy on the loopback. Set KEYHEARTH_ALLOWED_HOSTS to the hosts that the proxy asks for, such as localhost,127.0.0.1.',
    );
  }
  if (config.webhook?.url.startsWith('http:') && !isLoopbackHost(new URL(config.webhook.url).hostname)) {
    logger.warn(
      'The events of the webhook go to another machine without encryption, and others on the way can read them. Use https in KEYHEARTH_WEBHOOK_URL.',
    );
  }
  if (config.lockout.attempts === 0) {
    logger.error(
      'THE LOCKOUT IS OFF: keys can be guessed without limit, because KEYHEARTH_LOCKOUT_ATTEMPTS is 0',
    );
  }
}

/** Of the trusted proxies, such as 127.0.0.0/8. */
const isLoopbackNetwork = (network: string) => /^(?:127\.|::1(?:\/|$))/.test(network);

const hostOf = (url: string) => url.replace(/^https?:\/\//, '').replace(/:\d+$/, '');

/** The last lines of the log explain the error, and may still be in memory. */
function failAfterFlush({ flush }: Log): (error: unknown) => void {
  return (error) => void flush().then(() => fail(error));
}

function stopOnSignal(starting: Promise<Service>, log: Log): void {
  const { logger, flush } = log;
  let stoppingSince: number | undefined;

  async function stop(signal: string): Promise<void> {
    logger.info(`${signal}: finishing the requests in flight`);
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

/** Writes one sentence for an error that the operator can fix, and a stack for any other error. */
function fail(error: unknown): void {
  process.stderr.write(
    error instanceof StartupError
      ? `keyhearth: ${error.message}\n`
      : `keyhearth: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(1);
}

const answer = answerArguments(process.argv.slice(2));
if (answer) {
  (answer.exitCode === 0 ? process.stdout : process.stderr).write(answer.text);
  process.exitCode = answer.exitCode;
} else {
  start().catch(fail);
}

import { portSettings } from './config/gateway.ts';
import type { GatewayConfig } from './gateway-file/config.ts';
import type { LiveConfig } from './gateway-file/live.ts';
import { openai } from './http/dialects/openai.ts';
import { readKeyPair } from './http/server/certificate.ts';
import { type KeptCertificate, keepCertificate } from './http/server/kept-certificate.ts';
import type { RunningServer, ServerOptions } from './http/server/listen.ts';
import type { SettingNames } from './http/server/port.ts';
import type { Logger } from './lib/logger.ts';
import { isNews } from './lib/news.ts';
import { StartupError } from './lib/startup-error.ts';
import { recordExpiry } from './metrics/memory.ts';
import type { SharedMemory } from './shared-memory.ts';

/** The port of the gateway: where and how to serve. */
export type GatewayPort = Readonly<{
  names: SettingNames;
  options: ServerOptions;
  /** The URL of a server on this port. */
  addressOf(server: RunningServer): string;
  /** Call it when the port is open. The certificate of the server then follows its files. */
  serves(server: RunningServer): void;
  /** Reads the certificate again. */
  reload(): Promise<void>;
  close(): void;
}>;

/**
 * Prepares the port that the file of the gateway describes.
 * @param memory what the threads have logged and counted
 * @throws StartupError when the certificate cannot be used
 */
export async function prepareGatewayPort(
  live: LiveConfig,
  file: string,
  { gatewayNews: said, metrics }: Pick<SharedMemory, 'gatewayNews' | 'metrics'>,
  logger: Logger,
): Promise<GatewayPort> {
  const atStart = live.current();
  const pair =
    atStart.tls && (await readKeyPair(atStart.tls).catch((error: unknown) => explain(error, file)));
  let kept: KeptCertificate | undefined;

  live.onChange((now) => {
    const changed = changesOfPort(now, atStart);
    if (!isNews(said.address, changed.join()) || changed.length === 0) return;
    logger.warn(`a change of ${changed.join(' and ')} in ${file} takes effect at the next start`);
  });

  return {
    names: portSettings(file),
    // A body may be large, and the answer of a model takes long.
    options: { dialect: openai, requestMs: 0, answersTakeLong: true, ...(pair && { tls: pair }) },
    addressOf({ address: { port } }) {
      const host = atStart.host || '0.0.0.0';
      return `${pair ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    },
    serves(server) {
      if (!pair) return;
      kept = keepCertificate(server, pair, {
        name: 'the certificate of the gateway',
        files: () => live.current().tls ?? atStart.tls ?? { cert: '', key: '' },
        said: said.certificate,
        logger,
        onExpiry: recordExpiry(metrics, 'gateway'),
      });
    },
    reload: async () => kept?.reload(),
    close: () => kept?.close(),
  };
}

function explain(error: unknown, file: string): never {
  if (error instanceof StartupError) throw new StartupError(`tls in ${file}: ${error.message}`);
  throw error;
}

/** What a reload cannot change. */
function changesOfPort(now: GatewayConfig, before: GatewayConfig): string[] {
  const names = ['host', 'port'].filter((name) => now[name as 'host'] !== before[name as 'host']);
  return (now.tls === null) === (before.tls === null) ? names : [...names, 'tls'];
}

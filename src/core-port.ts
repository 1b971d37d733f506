import type { Config } from './config.ts';
import { readKeyPair } from './http/server/certificate.ts';
import { type KeptCertificate, keepCertificate } from './http/server/kept-certificate.ts';
import { CORE, type RunningServer, type ServerOptions } from './http/server/listen.ts';
import type { Logger } from './lib/logger.ts';
import { StartupError } from './lib/startup-error.ts';
import { recordExpiry } from './metrics/memory.ts';
import type { SharedMemory } from './shared-memory.ts';

/** The main port: how to serve. */
export type CorePort = Readonly<{
  options: ServerOptions;
  /** Call it when the port is open. The certificate of the server then follows its files. */
  serves(server: RunningServer): void;
  /** Reads the certificate again. */
  reload(): Promise<void>;
  close(): void;
}>;

/**
 * Prepares the main port.
 * @throws StartupError when the certificate cannot be used
 */
export async function prepareCorePort(
  { tls: files }: Pick<Config, 'tls'>,
  { coreCertificate: said, metrics }: Pick<SharedMemory, 'coreCertificate' | 'metrics'>,
  logger: Logger,
): Promise<CorePort> {
  const pair = files && (await readKeyPair(files).catch(explain));
  let kept: KeptCertificate | undefined;
  return {
    options: { ...CORE, ...(pair && { tls: pair }) },
    serves(server) {
      if (!files || !pair) return;
      const onExpiry = recordExpiry(metrics, 'core');
      kept = keepCertificate(server, pair, {
        ...{ name: 'the certificate', files: () => files, said, logger, onExpiry },
      });
    },
    reload: async () => kept?.reload(),
    close: () => kept?.close(),
  };
}

function explain(error: unknown): never {
  if (error instanceof StartupError)
    throw new StartupError(`KEYHEARTH_TLS_CERT and KEYHEARTH_TLS_KEY: ${error.message}`);
  throw error;
}

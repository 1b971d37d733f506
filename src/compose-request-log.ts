import type { Config } from './config.ts';
import { createRequestLog, type RequestLog } from './http/request-log.ts';
import type { Logger } from './lib/logger.ts';

/** The limit for all workers together. No client can make the log grow faster. */
const REFUSALS_LOGGED_PER_SECOND = 100;

/** The log of all requests, and their traces. Only a service with OTEL_EXPORTER_OTLP_ENDPOINT loads what traces. */
export async function composeRequestLog(
  { workers, tracing }: Pick<Config, 'workers' | 'tracing'>,
  logger: Logger,
  parts: AsyncDisposableStack,
): Promise<RequestLog> {
  const log = parts.adopt(
    createRequestLog(logger, Math.ceil(REFUSALS_LOGGED_PER_SECOND / workers)),
    ({ close }) => close(),
  );
  if (!tracing) return log;
  const [{ createExporter }, { tracingRequests }] = await Promise.all([
    import('./tracing/exporter.ts'),
    import('./tracing/requests.ts'),
  ]);
  const exporter = parts.adopt(createExporter(tracing, logger), ({ close }) => close());
  return tracingRequests(log, exporter, tracing.ratio);
}

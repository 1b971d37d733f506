import { z } from 'zod';
import type { Values } from './fields.ts';

const ADDRESS = /^(?:\[(?<ipv6>[\da-f:.]+)\]|(?<host>[\w.-]+)):(?<port>\d{1,5})$/i;
const ERROR = 'must be an address and a port, for example 127.0.0.1:9464 or [::1]:9464';

export const metricsVariables = {
  KEYHEARTH_METRICS_LISTEN: z
    .string()
    .regex(ADDRESS, { error: ERROR, abort: true })
    .transform(parseAddress)
    .refine(({ port }) => port <= 65_535, { error: ERROR })
    .optional()
    .meta({
      description:
        'An address and a port of its own for the metrics, for example `127.0.0.1:9464`. Everybody who reaches it can read them without a key. See [Watch it with Prometheus](metrics.md).',
    }),
};

export type MetricsConfig = Readonly<{
  /** Undefined when only keys can read the metrics. */
  metricsListen: Readonly<{ host: string; port: number }> | undefined;
}>;

export const metricsConfig = (env: Values<typeof metricsVariables>): MetricsConfig => ({
  metricsListen: env.KEYHEARTH_METRICS_LISTEN,
});

function parseAddress(text: string): { host: string; port: number } {
  const { ipv6, host = '', port } = ADDRESS.exec(text)?.groups ?? {};
  return { host: ipv6 ?? host, port: Number(port) };
}

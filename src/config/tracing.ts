import { z } from 'zod';
import { parseHttpUrl } from '../lib/base-url.ts';
import { secret, type Values } from './fields.ts';

/** The names are those of OpenTelemetry, whose programs have the same variables. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine((text) => parseHttpUrl(text) !== undefined, {
      error: 'must be an http:// or https:// address without a user, for example http://127.0.0.1:4318',
    })
    .optional()
    .meta({
      description:
        'The address of an OpenTelemetry collector that takes OTLP over HTTP. Keyhearth then sends a span for each request. See [Trace requests](tracing.md).',
    }),
  OTEL_EXPORTER_OTLP_HEADERS: secret()
    .regex(/^[\w-]+=[\x21-\x7e]*?(?:,[\w-]+=[\x21-\x7e]*?)*$/, {
      error: 'must be name=value, with commas between several, and other characters percent-encoded',
      abort: true,
    })
    // fetch() would repeat such a value in its error, and so the log would.
    .refine((text) => Object.values(headersOf(text)).every((value) => /^[\t -~]*$/.test(value)), {
      error: 'must have values that are printable ASCII when they are decoded, without a line break',
    })
    .optional()
    .meta({ description: 'Headers for that collector: `name=value`, separated by commas.' }),
  OTEL_SERVICE_NAME: z
    .string()
    .regex(/^[\x20-\x7e]{1,100}$/, { error: 'must be 1 to 100 printable ASCII characters' })
    .default('keyhearth')
    .meta({ description: 'The name of the service in traces.' }),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(?:0|1|[01]?\.\d{1,6})$/, { error: 'must be a number from 0 to 1', abort: true })
    .transform(Number)
    .refine((ratio) => ratio <= 1, { error: 'must be a number from 0 to 1' })
    .prefault('1')
    .meta({
      description:
        'The part of the requests that are traced, from 0 to 1. When a client sends `traceparent`, that decides.',
    }),
};

/** Where traces go, and which. */
export type TracingSettings = Readonly<{
  url: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  ratio: number;
}>;

/** Undefined without tracing. */
export type TracingConfig = Readonly<{ tracing: TracingSettings | undefined }>;

export function tracingConfig(env: Values<typeof tracingVariables>): TracingConfig {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers = '' } = env;
  if (endpoint === undefined) return { tracing: undefined };
  return {
    tracing: {
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      headers: headersOf(headers),
      serviceName: env.OTEL_SERVICE_NAME,
      ratio: env.OTEL_TRACES_SAMPLER_ARG,
    },
  };
}

const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(',').flatMap((pair) => {
      const [, name, value = ''] = /^([\w-]+)=(.*)$/.exec(pair) ?? [];
      return name === undefined ? [] : [[name, decoded(value)]];
    }),
  );

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

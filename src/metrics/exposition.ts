import type { Family } from './snapshot.ts';

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export type Exposition = Readonly<{ text: string; contentType: string }>;

/** Prometheus asks for OpenMetrics. `curl` gets the older form. */
export const acceptsOpenMetrics = (accept: string | undefined): boolean =>
  accept?.includes('application/openmetrics-text') === true;

/** Writes metrics as text. The package is loaded at the first request, so that the start does not wait for it. */
export async function expose(families: readonly Family[], isOpenMetrics: boolean): Promise<Exposition> {
  const { AggregatorRegistry } = (await import('prom-client')).default;
  const contentType = isOpenMetrics ? OPENMETRICS_TYPE : PROMETHEUS_TYPE;
  const metrics = families.map((family) => ({
    ...family,
    // The package adds the suffix, which in OpenMetrics is no part of the name.
    name: isOpenMetrics && family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name,
    aggregator: 'sum',
  }));
  // Its types lack the second parameter.
  const aggregate = AggregatorRegistry.aggregate as (
    workers: object[],
    contentType: string,
  ) => ReturnType<typeof AggregatorRegistry.aggregate>;
  return { text: await aggregate([metrics], contentType).metrics(), contentType };
}

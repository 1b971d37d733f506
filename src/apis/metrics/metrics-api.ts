import { createRoute, z } from '@hono/zod-openapi';
import type { Authenticator } from '../../auth/authenticator.ts';
import { problem } from '../../http/dialects/problem.ts';
import { guardCodes, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from '../create-api.ts';
import { needs } from '../required-scope.ts';

const METRICS_PATH = '/metrics';

const text = (example: string) => ({ schema: z.string().openapi({ example }) });

const getMetrics = createRoute({
  method: 'get',
  path: METRICS_PATH,
  tags: ['Metrics'],
  ...needs('metrics:read'),
  operationId: 'getMetrics',
  summary: 'Get the metrics',
  description:
    'Counts and durations of all workers of this process, for Prometheus. The form is OpenMetrics if `Accept` asks for it. With several replicas, ask each of them.',
  responses: {
    200: {
      description: 'The metrics',
      content: {
        'text/plain': text('keyhearth_verifications_total{outcome="VALID"} 5193'),
        'application/openmetrics-text': text('keyhearth_verifications_total{outcome="VALID"} 5193'),
      },
    },
    ...problemResponses(...guardCodes),
  },
});

export type MetricsParts = Readonly<{
  authenticators: readonly Authenticator[];
  /** @param accept the header of the request */
  renderMetrics: (accept: string | undefined) => Promise<Readonly<{ text: string; contentType: string }>>;
}>;

/** The metrics, for Prometheus. */
export const metricsApi = ({ authenticators, renderMetrics }: MetricsParts, context: ApiContext) =>
  createApi(
    { paths: [METRICS_PATH], authenticators, dialect: problem, bodyLimit: JSON_BODY_LIMIT, open: [] },
    context,
    (router) =>
      router.openapi(getMetrics, async (c) => {
        const { text: body, contentType } = await renderMetrics(c.req.header('accept'));
        c.header('Vary', 'Accept');
        return c.body(body, 200, { 'Content-Type': contentType }) as never;
      }),
  );

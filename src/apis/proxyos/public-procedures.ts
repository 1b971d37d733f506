import type { GatewayControl } from '../../gateway-file/overview.ts';
import { procedure, router } from './trpc.ts';

/** What the gateway forwards, without credentials. */
type GatewayRoute = Readonly<{ id: string; path: string; upstream: string; enabled: boolean }>;

/** `gateway`: undefined when there is none. */
export type RouteParts = { gateway: Pick<GatewayControl, 'overview'> | undefined };

/** Which paths an upstream with each protocol serves. */
const PATHS = {
  openai: '/v1/*',
  claude: '/v1/messages',
  codex: '/v1/responses',
  gemini: '/v1beta/*',
  amp: '/api/*',
} as const;

/** A route is enabled while its credential is in use. */
export async function routesOf({ gateway }: RouteParts): Promise<GatewayRoute[]> {
  const { upstreams } = (await gateway?.overview()) ?? { upstreams: [] };
  return upstreams.map(({ protocol, name, prefix, baseUrl, restsUntil }, i) => ({
    id: `${i + 1}-${prefix ?? name}`,
    path: PATHS[protocol],
    upstream: baseUrl,
    enabled: restsUntil === null,
  }));
}

export const HEALTH = { status: 'ok' } as const;

export const publicApiProcedures = () =>
  router({ health: procedure({ scope: 'health:read' }).query(() => HEALTH) });

export const routeProcedures = (parts: RouteParts) =>
  router({ list: procedure({ scope: 'routes:read' }).query(() => routesOf(parts)) });

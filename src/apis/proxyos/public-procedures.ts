import { procedure, router } from './trpc.ts';

/** What the gateway forwards, without credentials. */
export type GatewayRoute = Readonly<{ id: string; path: string; upstream: string; enabled: boolean }>;

/** This service has no gateway. */
export const gatewayRoutes: readonly GatewayRoute[] = [];

export const HEALTH = { status: 'ok' } as const;

export const publicApiProcedures = () =>
  router({ health: procedure({ scope: 'health:read' }).query(() => HEALTH) });

export const routeProcedures = () =>
  router({ list: procedure({ scope: 'routes:read' }).query(() => [...gatewayRoutes]) });

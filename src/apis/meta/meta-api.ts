import { problem } from '../../http/dialects/problem.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from '../create-api.ts';
import { metaRoutes, publicMetaRoutes, type ServiceState } from './routes.ts';

/** The meta API: what the service is, whether it works, and its documentation. It is open. */
export const metaApi = (state: ServiceState, context: ApiContext) =>
  createApi(
    {
      paths: publicMetaRoutes.map(({ path }) => path),
      authenticators: [],
      dialect: problem,
      bodyLimit: JSON_BODY_LIMIT,
      open: publicMetaRoutes,
    },
    context,
    () => metaRoutes(state),
  );

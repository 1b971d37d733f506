import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Authenticator } from '../auth/authenticator.ts';
import type { HttpEnv } from '../http/context.ts';
import { honoPath } from '../http/router.ts';
import { REQUIRED_SCOPE } from './required-scope.ts';

/**
 * OpenAPI: the schemes of the authenticators on every route that is not open, and the scope that it needs. OpenAPI 3.1
 * lists it as a role of the security requirement.
 * @throws Error for a guarded route whose definition does not say which scope it needs
 */
export function describeSecurity(
  { openAPIRegistry }: OpenAPIHono<HttpEnv>,
  authenticators: readonly Authenticator[],
  openMethods: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  const schemes = authenticators.flatMap((authenticator) => Object.entries(authenticator.schemes));
  for (const [name, scheme] of schemes) openAPIRegistry.registerComponent('securitySchemes', name, scheme);
  for (const definition of openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue;
    const { [REQUIRED_SCOPE]: scope, ...route } = definition.route;
    const isOpen = openMethods.get(honoPath(route.path))?.has(route.method.toUpperCase());
    if (!isOpen && scope === undefined)
      throw new Error(`${route.method.toUpperCase()} ${route.path} does not say which scope it needs`);
    const roles = typeof scope === 'string' ? [scope] : [];
    const needed = roles.length > 0 ? ` It needs the scope \`${scope}\`.` : '';
    definition.route = {
      ...route,
      description: `${route.description ?? ''}${needed}`,
      security: isOpen ? [] : schemes.map(([name]) => ({ [name]: roles })),
    };
  }
}

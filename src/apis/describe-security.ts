import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Authenticator } from '../auth/authenticator.ts';
import type { HttpEnv } from '../http/context.ts';
import { honoPath } from '../http/router.ts';
import { KEYS_ALONE, REQUIRED_SCOPE } from './required-scope.ts';

type Methods = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * OpenAPI: the schemes of the authenticators on every route that is not open, and the scope that it needs. OpenAPI 3.1
 * lists it as a role of the security requirement.
 * @throws Error for a guarded route whose definition does not say which scope it needs
 */
export function describeSecurity(
  { openAPIRegistry }: OpenAPIHono<HttpEnv>,
  authenticators: readonly Authenticator[],
  methods: Methods,
  openMethods: Methods,
): void {
  const schemes = schemesOf(authenticators);
  for (const [name, scheme] of schemes) openAPIRegistry.registerComponent('securitySchemes', name, scheme);
  const declared = new Set<string>();
  for (const definition of openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue;
    const { [REQUIRED_SCOPE]: scope, [KEYS_ALONE]: keysAlone, ...route } = definition.route;
    const takes = keysAlone ? authenticators.filter(({ kind }) => kind === 'key') : authenticators;
    const name = `${route.method.toUpperCase()} ${honoPath(route.path)}`;
    const isOpen = openMethods.get(honoPath(route.path))?.has(route.method.toUpperCase());
    if (!isOpen && scope === undefined) throw withoutScope(name);
    declared.add(name);
    const roles = typeof scope === 'string' ? [scope] : [];
    const needed = roles.length > 0 ? ` It needs the scope \`${scope}\`.` : '';
    definition.route = {
      ...route,
      description: `${route.description ?? ''}${needed}`,
      security: isOpen ? [] : schemesOf(takes).map(([name]) => ({ [name]: roles })),
    };
  }
  // A route that was added without a definition is not in the registry.
  for (const [path, ofPath] of methods) {
    for (const method of ofPath) {
      const name = `${method} ${path}`;
      const isCovered = method === 'HEAD' && declared.has(`GET ${path}`);
      if (!isCovered && !declared.has(name) && !openMethods.get(path)?.has(method)) throw withoutScope(name);
    }
  }
}

const schemesOf = (authenticators: readonly Authenticator[]) =>
  authenticators.flatMap(({ schemes }) => Object.entries(schemes));

const withoutScope = (name: string) => new Error(`${name} does not say which scope it needs`);

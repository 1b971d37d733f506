type Methods = ReadonlyMap<string, ReadonlySet<string>>;

type Routes = {
  /** All registered routes and middleware. */
  registered: readonly { method: string; path: string }[];
  /** The path patterns that the API guards. */
  paths: readonly string[];
  methods: Methods;
  openMethods: Methods;
  hasAuthenticator: boolean;
};

/**
 * Finds mistakes that would open a route by accident.
 * @throws Error when a route is outside the guarded paths, when nothing can authenticate a request to it, when an open
 * route matches its requests too, or when an open route does not exist
 */
export function assertGuarded({ registered, paths, methods, openMethods, hasAuthenticator }: Routes): void {
  for (const { path } of registered) {
    if (!paths.some((pattern) => covers(pattern, path)))
      throw new Error(`${path} is outside this API's paths`);
    if (/[?{]/.test(path))
      throw new Error(`${path} has an optional part or a pattern, which cannot be checked`);
  }
  for (const path of openMethods.keys()) assertAlone(path, registered);
  for (const [path, ofPath] of openMethods) {
    const unknown = [...ofPath].find((method) => !methods.get(path)?.has(method));
    if (unknown !== undefined)
      throw new Error(`there is no route for ${unknown} ${path}, which is listed as open`);
  }
  for (const [path, ofPath] of methods) {
    const guarded = [...ofPath].find((method) => !openMethods.get(path)?.has(method));
    if (guarded === undefined) continue;
    if (!hasAuthenticator) throw new Error(`nothing can authenticate ${guarded} ${path}`);
    const open = [...openMethods.keys()].find((other) => other !== path && overlap(other, path));
    if (open !== undefined) throw new Error(`the open path ${open} also matches ${guarded} ${path}`);
  }
}

/** An open path marks its requests as open before any other handler sees them. So no handler for all methods may match. */
function assertAlone(open: string, registered: Routes['registered']): void {
  if (open.includes('*')) throw new Error(`the open path ${open} has a wildcard`);
  const other = registered.find(({ method, path }) => method === 'ALL' && overlap(open, path));
  if (other) throw new Error(`the open path ${open} also matches ${other.path}, which takes all methods`);
}

/**
 * Adds the path patterns of one API to `owned`.
 * @param owned the patterns of all APIs so far; grows by `paths`
 * @throws Error when an earlier API owns one of the paths: it would get the requests
 */
export function assertOwnPaths(owned: string[], paths: readonly string[]): void {
  for (const path of paths) {
    const other = owned.find((each) => overlap(each, path) && path !== FALLBACK);
    if (other !== undefined)
      throw new Error(`an earlier API owns ${other}, and would get the requests of ${path}`);
    owned.push(path);
  }
}

/** The pattern for all paths that no other API owns. */
const FALLBACK = '*';

/** Whether a pattern covers a path: `/auth/*` covers `/auth` and every path below it, as in Hono. */
const covers = (pattern: string, path: string) =>
  pattern === FALLBACK ||
  path === pattern ||
  (pattern.endsWith('/*') && `${path}/`.startsWith(pattern.slice(0, -1)));

/** Whether one request can match both patterns: `/keys/:id` and `/keys/all` overlap. */
function overlap(one: string, other: string): boolean {
  if (one === FALLBACK || other === FALLBACK) return true;
  const [parts, others] = [one.split('/'), other.split('/')];
  const wildcards = [parts.indexOf('*'), others.indexOf('*')].filter((index) => index >= 0);
  if (wildcards.length === 0 && parts.length !== others.length) return false;
  return parts
    .slice(0, Math.min(parts.length, others.length, ...wildcards))
    .every((part, index) => part === others[index] || part.startsWith(':') || others[index]?.startsWith(':'));
}

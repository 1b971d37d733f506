import type { IncomingMessage } from 'node:http';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler, Schema } from 'hono';
import { type Authentication, createAuthenticate, lockedFailure } from '../auth/authenticate.ts';
import { type Authenticator, type ReadHeader, TARGET } from '../auth/authenticator.ts';
import { countRefusal, type Usage } from '../auth/count-outcome.ts';
import type { HostCheck } from '../http/allowed-host.ts';
import { readBody } from '../http/body.ts';
import { type HttpContext, type HttpEnv, headerReader } from '../http/context.ts';
import { isCrossSite } from '../http/cross-site.ts';
import type { Dialect } from '../http/dialect.ts';
import { sendFailure } from '../http/failures.ts';
import { ACCOUNT_HEADER } from '../http/headers.ts';
import { createRouter, honoPath, methodsByPath } from '../http/router.ts';
import { NO_STORE } from '../http/security-headers.ts';
import type { SessionCookies } from '../http/session-cookie.ts';
import type { Failure } from '../lib/failure.ts';
import type { Actor } from '../lib/principal.ts';
import type { Lockout } from '../lockout/lockout.ts';
import { assertGuarded, assertOwnPaths } from './assert-guarded.ts';
import { describeSecurity } from './describe-security.ts';

/** A route that needs no credential. `check` can refuse a request before its body is read. */
export type OpenRoute = Readonly<{
  method: string;
  path: string;
  check?: MiddlewareHandler<HttpEnv>;
  /** Also a locked address may send the request, because it gives nobody access. */
  ignoresLockout?: true;
}>;

export type ApiOptions = {
  /** The path patterns that this API owns: `/auth/*` (with `/auth` itself), or a whole path. No two APIs share one. */
  paths: readonly string[];
  /** The kinds of credential that it takes. The first one that finds a credential in a request decides. */
  authenticators: readonly Authenticator[];
  /** How it answers requests that failed. */
  dialect: Dialect;
  /** Largest request body, in bytes. */
  bodyLimit: number;
  /** The routes that need no credential. Every other route of `paths` needs one, and so does an unknown path. */
  open: readonly OpenRoute[];
  /** The API, as services know it. The default is the core API. */
  api?: Actor['api'];
  /**
   * A request without a valid credential reaches the routes too. `principalOf` and `actorOf` refuse it there. For
   * protocols with many calls in one request.
   */
  defersRefusals?: true;
};

/** Enough for every JSON body that this service accepts. */
export const JSON_BODY_LIMIT = 64 * 1024;

/** What all APIs share. */
export type ApiContext = {
  lockout: Lockout;
  usage: Usage;
  isAllowedHost: HostCheck;
  cookies: Pick<SessionCookies, 'set'>;
  /** The path patterns of the APIs that were created so far. Begin with an empty list. */
  ownedPaths: string[];
};

/**
 * An API: routes behind an authentication, with a dialect, a 404 and a 405 of its own. A request passes, in this
 * order: the check of its Host, the lockout, the authentication or the check of an open route, the body, the route.
 * @param define adds the routes to a router, by their whole paths
 * @throws Error for a mistake that would open a route or hide it: see `assert-guarded.ts`
 */
export function createApi<Routes extends Schema>(
  options: ApiOptions,
  context: ApiContext,
  define: (router: ReturnType<typeof createRouter>) => OpenAPIHono<HttpEnv, Routes>,
): OpenAPIHono<HttpEnv, Routes> {
  const { paths, authenticators, bodyLimit, open, defersRefusals = false } = options;
  const { isAllowedHost, ownedPaths } = context;
  const routes = define(createRouter());
  const methods = methodsByPath(routes);
  const openMethods = methodsByPath({ routes: open.map(asHonoRoute) });
  assertOwnPaths(ownedPaths, paths);
  assertGuarded({
    registered: routes.routes,
    paths,
    methods,
    openMethods,
    hasAuthenticator: authenticators.length > 0,
  });

  const api = createRouter();
  for (const path of paths) api.use(path, enter(options, isAllowedHost));
  for (const [path, ofPath] of openMethods) api.use(path, markOpen(ofPath, methods.get(path)));
  for (const { method, path, ignoresLockout } of open)
    if (ignoresLockout) api.on(method.toUpperCase(), honoPath(path), markUnlocked);
  for (const path of paths) api.use(path, guard(options, context));
  const body = readBody(bodyLimit);
  for (const { method, path, check = pass } of open)
    api.on(method.toUpperCase(), honoPath(path), check, body);
  for (const path of paths) api.use(path, unlessOpen(body));
  api.route('/', routes);
  for (const [path, ofPath] of methods) api.all(path, refuse(methodNotAllowed(ofPath)));
  for (const path of paths) api.all(path, refuse({ code: 'not_found' }));
  if (!defersRefusals) describeSecurity(api, authenticators, methods, openMethods);
  return api as OpenAPIHono<HttpEnv, Routes>;
}

/**
 * Marks the requests that need no credential. The router decides which requests match, so the guard and the routes
 * cannot disagree. An open path is open for all methods: a method that it does not answer gets a 405.
 */
const markOpen = (
  openMethods: ReadonlySet<string>,
  allMethods: ReadonlySet<string> = new Set(),
): MiddlewareHandler<HttpEnv> => {
  const guarded = new Set([...allMethods].filter((method) => !openMethods.has(method)));
  return async (c, next) => {
    if (!guarded.has(c.req.method)) c.set('isOpen', true);
    return next();
  };
};

const markUnlocked: MiddlewareHandler<HttpEnv> = (c, next) => {
  c.set('ignoresLockout', true);
  return next();
};

/** A middleware around the API may have chosen another dialect. */
const enter =
  ({ dialect, api }: ApiOptions, isAllowedHost: HostCheck): MiddlewareHandler<HttpEnv> =>
  async (c, next) => {
    if (api) c.set('api', api);
    if (!c.var.dialect) c.set('dialect', dialect);
    const { socket, headers } = c.env.incoming;
    if (!isAllowedHost(socket.remoteAddress, headers.host))
      return sendFailure(c, { code: 'misdirected_request' });
    return next();
  };

const pass: MiddlewareHandler<HttpEnv> = (_, next) => next();

/** Refuses a method that an open path does not answer. This needs no credential, so the body is not read. */
const unlessOpen =
  (middleware: MiddlewareHandler<HttpEnv>): MiddlewareHandler<HttpEnv> =>
  (c, next) =>
    c.var.isOpen ? next() : middleware(c, next);

/** An API without authenticators has open routes only, and no lockout. */
function guard(
  { authenticators, defersRefusals }: ApiOptions,
  { lockout, usage, cookies }: ApiContext,
): MiddlewareHandler<HttpEnv> {
  if (authenticators.length === 0) return pass;
  const authenticateAny = createAuthenticate(authenticators, lockout);
  const authenticateKey = createAuthenticate(authenticators.filter(isForKeys), lockout);
  return async (c, next) => {
    for (const [name, value] of Object.entries(NO_STORE)) c.header(name, value);
    const { client } = c.var;
    if (c.var.isOpen) {
      const locked = c.var.ignoresLockout ? undefined : lockedFailure(lockout, client.lockoutKey);
      return locked ? sendFailure(c, locked) : next();
    }
    const authenticate = c.var.ignoresSessions ? authenticateKey : authenticateAny;
    const { incoming } = c.env;
    const authentication = await authenticate(client, requestReader(incoming), incoming.socket);
    if (c.var.isVerification) countRefusal(usage, authentication);
    const refusal = refusalOf(authentication, incoming);
    if (refusal && !defersRefusals) return sendFailure(c, refusal);
    if (authentication.state === 'refused' || refusal) {
      c.set('refusal', refusal);
      return next();
    }
    const { principal } = authentication;
    if (principal.kind === 'key' && !c.var.isVerification) usage.countUse(principal.id);
    if (principal.kind === 'account' && principal.isRenewed) renewCookie(c, authenticators, cookies);
    c.set('principal', principal);
    return next();
  };
}

/** The browser keeps the cookie for as long as the session lasts now. */
function renewCookie(
  c: HttpContext,
  authenticators: readonly Authenticator[],
  cookies: ApiContext['cookies'],
): void {
  for (const authenticator of authenticators) {
    if (authenticator.kind !== 'account' || authenticator.cookie === undefined) continue;
    const [token] = authenticator.read(headerReader(c.env.incoming));
    if (token !== undefined) cookies.set(c, authenticator.cookie, token);
  }
}

function refusalOf(authentication: Authentication, incoming: IncomingMessage): Failure | undefined {
  if (authentication.state === 'refused') return authentication.failure;
  const { principal } = authentication;
  if (principal.kind !== 'account' || principal.by !== 'session') return undefined;
  if (isCrossSite(incoming)) return { code: 'cross_site_request' };
  const { [ACCOUNT_HEADER]: shown = principal.id } = incoming.headers;
  return shown === principal.id ? undefined : { code: 'invalid_session' };
}

/** Reads the headers, and the target too. */
function requestReader(incoming: IncomingMessage): ReadHeader {
  const readHeader = headerReader(incoming);
  return (name) => (name === TARGET ? incoming.url : readHeader(name));
}

const isForKeys = (authenticator: Authenticator) => authenticator.kind === 'key';

const refuse =
  (failure: Failure): MiddlewareHandler<HttpEnv> =>
  async (c) =>
    sendFailure(c, failure);

const methodNotAllowed = (allowed: ReadonlySet<string>): Failure => ({
  code: 'method_not_allowed',
  allow: [...allowed].sort(),
});

const asHonoRoute = ({ method, path }: OpenRoute) => ({ method: method.toUpperCase(), path: honoPath(path) });

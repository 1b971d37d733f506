import type { Protocol } from '../../gateway-file/config.ts';
import type { Target } from '../../upstreams/target.ts';

/** What answers a path: an upstream of a protocol, Amp, or the gateway itself. */
export type Service = Protocol | 'amp' | 'models' | 'model';

/** `pattern`: for the log, because somebody may paste a key into a path. */
export type Route = Readonly<{ service: Service; pattern: string }>;

/** The beginnings of the paths of the client API. Every other path belongs to the management API. */
const OWNED = ['/v1/', '/v1beta/', '/api/'];

export const isOwned = (url: string): boolean =>
  OWNED.some((beginning) => url.startsWith(beginning)) || /^\/(?:v1|v1beta|api)(?:\?|$)/.test(url);

/** The paths of `/v1` by their first segment. Everything else is of OpenAI. */
const SERVICES: Readonly<Record<string, Service>> = { messages: 'claude', responses: 'codex', ws: 'codex' };

/** The paths that most clients use. */
const ROUTES: ReadonlyMap<string, Route> = new Map(
  [
    ...['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/messages', '/v1/responses'],
    ...['/v1/messages/count_tokens', '/v1/ws'],
  ].map((path) => [path, { service: serviceOf(path), pattern: path }]),
);

const ASKING = new Set([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/messages',
  '/v1/responses',
]);
const ASKING_GEMINI = /^\/v1(?:beta)?\/models\/.+:(?:(?:stream)?generateContent|(?:batch)?embedContents?)$/i;

/** Whether a request asks a model, so that an upstream that answers it knows the model, and the credential is for it. */
export const asksModel = ({ path }: Pick<Target, 'path'>, method: string | undefined): boolean =>
  method === 'POST' && (ASKING.has(path) || ASKING_GEMINI.test(path));

/** @param path without its query, as `parseTarget` returns it */
export function routeOf(path: string, method: string | undefined): Route {
  if (path === '/v1/models') return { service: 'models', pattern: path };
  // Clients of Gemini use `/v1` too, and only they send a POST here.
  if (path.startsWith('/v1/models/'))
    return { service: method === 'POST' ? 'gemini' : 'model', pattern: '/v1/models/*' };
  if (path.startsWith('/api')) return { service: 'amp', pattern: '/api/*' };
  if (path.startsWith('/v1beta')) {
    const pattern = path.startsWith('/v1beta/models/') ? '/v1beta/models/*' : '/v1beta/*';
    return { service: 'gemini', pattern };
  }
  return ROUTES.get(path) ?? { service: serviceOf(path), pattern: '/v1/*' };
}

function serviceOf(path: string): Service {
  const [, , first = ''] = path.split('/');
  return SERVICES[first] ?? 'openai';
}

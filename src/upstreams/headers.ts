import { KEY_HEADERS } from './carriers.ts';
import type { Credential } from './credential.ts';

/** Of one connection, and not of the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** What no upstream may see: the keys of the client and of this service, its address, and where its page comes from. */
const OF_THE_CLIENT = [
  ...['authorization', ...KEY_HEADERS, 'x-proxbox-api-key', 'x-management-key', 'cookie'],
  ...['forwarded', 'via', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip', 'origin', 'referer'],
];

/** What the HTTP client writes itself. The usage in an answer can be read only where the answer is not compressed. */
const OF_THE_REQUEST = ['host', 'content-length', 'expect', 'accept-encoding'];

/** What an upstream would say about its own host, or to a browser, and what the server writes itself. */
const OF_THE_UPSTREAM = [
  ...['set-cookie', 'set-cookie2', 'alt-svc', 'strict-transport-security', 'clear-site-data'],
  ...['public-key-pins', 'nel', 'report-to', 'www-authenticate', 'ratelimit', 'ratelimit-policy'],
  ...['service-worker-allowed', 'refresh', 'x-content-type-options'],
];

const notForwarded: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...OF_THE_CLIENT, ...OF_THE_REQUEST]);
const notReturned: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...OF_THE_UPSTREAM]);

const isOfClient = (name: string) =>
  name.startsWith('x-forwarded-') || name.startsWith('sec-') || name.startsWith('x-keyhearth-');

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The headers that `Connection` names are of one connection too. */
function namedIn(connection: string | string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive') return undefined;
  const names = connection.toString().split(',');
  return new Set(names.map((name) => name.trim().toLowerCase()));
}

/** What Anthropic wants to see beside a token. */
const OAUTH_BETA = 'oauth-2025-04-20';

/** Whether a header can carry the credential. */
export const isSendable = ({ secret }: Pick<Credential, 'secret'>): boolean => /^[\x21-\x7e]+$/.test(secret);

/** The headers of the credential, by protocol. */
function credentialHeaders({ protocol, secret, isToken }: Credential): string[] {
  if (protocol === 'amp') return ['authorization', `Bearer ${secret}`, 'x-api-key', secret];
  if (isToken || protocol === 'openai' || protocol === 'codex') return ['authorization', `Bearer ${secret}`];
  return [protocol === 'claude' ? 'x-api-key' : 'x-goog-api-key', secret];
}

/** The headers for the upstream, as a flat list of names and values. Names are in lower case. */
export function requestHeaders(headers: Headers, credential: Credential): string[] {
  const ofConnection = namedIn(headers.connection);
  const isAnthropicToken = credential.isToken && credential.protocol === 'claude';
  const list = credentialHeaders(credential);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || notForwarded.has(name) || isOfClient(name) || ofConnection?.has(name))
      continue;
    if (isAnthropicToken && name === 'anthropic-beta') continue;
    list.push(name, value.toString());
  }
  if (isAnthropicToken) {
    const asked = headers['anthropic-beta']?.toString();
    list.push('anthropic-beta', asked ? `${asked},${OAUTH_BETA}` : OAUTH_BETA);
  }
  list.push('accept-encoding', 'identity');
  return list;
}

/** What an upstream sends is never a document of this origin: a browser that opens it runs nothing of it. */
const INERT = [
  ...['X-Content-Type-Options', 'nosniff'],
  ...['Content-Security-Policy', "sandbox; default-src 'none'"],
];

/**
 * The headers of an answer for the client, as a flat list. None of them shows the credential of the upstream, or leads to
 * another host.
 */
export function responseHeaders(headers: Headers, credential: Credential): string[] {
  const { secret } = credential;
  const ofConnection = namedIn(headers.connection);
  const list: string[] = [...INERT];
  for (const name in headers) {
    const value = name === 'location' ? ownLocation(headers, credential) : headers[name];
    if (value === undefined || notReturned.has(name) || ofConnection?.has(name)) continue;
    if (name.startsWith('access-control-') || name.startsWith('x-keyhearth-')) continue;
    if (name.startsWith('content-security-policy')) continue;
    for (const line of Array.isArray(value) ? value : [value]) {
      if (!line.includes(secret)) list.push(name, line);
    }
  }
  return list;
}

/**
 * Where `Location` leads, as a path of this service; undefined when that is no path here. A client that follows it to
 * another host would show its key there.
 */
function ownLocation({ location }: Headers, { origin, basePath, secret }: Credential): string | undefined {
  const text = location?.toString() ?? '';
  // The path of a longer base URL has another meaning here.
  if (basePath !== '' || text.includes(secret) || !URL.canParse(text, origin)) return undefined;
  const url = new URL(text, origin);
  const isPath = url.origin === origin && !url.pathname.startsWith('//') && /^(?:\/|https?:)/i.test(text);
  return isPath ? url.pathname + url.search : undefined;
}

/** Whether the answer sends the client to another place than a path of this service. */
export const leadsAway = (status: number, headers: Headers, credential: Credential): boolean =>
  status >= 300 &&
  status < 400 &&
  headers.location !== undefined &&
  ownLocation(headers, credential) === undefined;

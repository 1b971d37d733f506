import type { Dialect } from '../../http/dialect.ts';
import { problem } from '../../http/dialects/problem.ts';
import { rateLimitHeaders } from '../../http/rate-limit-headers.ts';
import { NO_STORE, SECURITY_HEADERS } from '../../http/security-headers.ts';
import type { Failure } from '../../lib/failure.ts';
import { memoize } from '../../lib/memoize.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';
import type { LimitState } from '../../lib/rate-limit.ts';
import { identityHeaders, problemAs403, verifiedText } from './verified-answer.ts';

type Answer = { status: number; headers: string[]; body: string; encoding: 'latin1' | 'utf8' };

/** What the answers to one key have in common. */
type Identity = Readonly<{ headers: ReturnType<typeof identityHeaders>; length: string }> &
  Pick<Answer, 'body' | 'encoding'>;

const identities = new WeakMap<KeyPrincipal, Identity>();

function identityOf(principal: KeyPrincipal): Identity {
  const known = identities.get(principal);
  if (known) return known;
  const body = verifiedText(principal);
  const length = Buffer.byteLength(body);
  const headers = identityHeaders(principal);
  const identity: Identity = { headers, body, length: String(length), encoding: encodingOf(body, length) };
  identities.set(principal, identity);
  return identity;
}

/** One literal is the fastest way to make the headers. */
export function verified(principal: KeyPrincipal, requestId: string, limits: readonly LimitState[]): Answer {
  const { headers: identity, body, length, encoding } = identityOf(principal);
  const headers = [
    'X-Request-Id',
    requestId,
    'X-Content-Type-Options',
    SECURITY_HEADERS['X-Content-Type-Options'],
    'Cache-Control',
    NO_STORE['Cache-Control'],
    'Content-Type',
    'application/json',
    'X-Keyhearth-Key-Id',
    identity['X-Keyhearth-Key-Id'],
    'X-Keyhearth-Label',
    identity['X-Keyhearth-Label'],
    'X-Keyhearth-Owner',
    identity['X-Keyhearth-Owner'],
    'X-Keyhearth-Scopes',
    identity['X-Keyhearth-Scopes'],
    'Content-Length',
    length,
  ];
  if (limits.length > 0) headers.push(...Object.entries(rateLimitHeaders(limits)).flat());
  return { status: 200, headers, body, encoding };
}

/** There are few different refusals. To render one takes five times as long as to find it in the cache. */
const renderer = (dialect: Dialect) =>
  memoize(
    (failure: string): Answer => {
      const { status, headers, body } = dialect(JSON.parse(failure));
      const length = Buffer.byteLength(body);
      return {
        status,
        headers: Object.entries({ ...headers, 'Content-Length': String(length) }).flat(),
        body,
        encoding: encodingOf(body, length),
      };
    },
    // The numbers of a rate limit change all the time, and a client can ask for very many lists of scopes.
    (failure) => !failure.startsWith(RATE_LIMITED) && failure.length <= MAX_REMEMBERED_FAILURE,
  );

const MAX_REMEMBERED_FAILURE = 300;

const RATE_LIMITED = '{"code":"rate_limited"';

const rendered = renderer(problem);
const renderedAs403 = renderer(problemAs403);

export function refused(failure: Failure, requestId: string, denyAs403: boolean): Answer {
  const render = denyAs403 ? renderedAs403 : rendered;
  const { status, headers, body, encoding } = render(JSON.stringify(failure));
  return { status, headers: ['X-Request-Id', requestId, ...headers], body, encoding };
}

/** Node writes text in half the time when it knows that all characters are ASCII. */
const encodingOf = (text: string, bytes: number) => (bytes === text.length ? 'latin1' : 'utf8');

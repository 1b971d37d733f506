import { STATUS_CODES } from 'node:http';
import type { Failure, FailureCode, FieldError } from '../../lib/failure.ts';
import type { Dialect } from '../dialect.ts';
import { BOOTSTRAP_TOKEN_HEADER } from '../headers.ts';
import { rateLimitHeaders } from '../rate-limit-headers.ts';
import { NO_STORE, SECURITY_HEADERS } from '../security-headers.ts';
import { accountRules } from './problem-account-rules.ts';
import { gatewayRules } from './problem-gateway-rules.ts';
import type { Rule } from './problem-rule.ts';
import {
  busy,
  insufficient,
  lacking,
  malformed,
  mediaType,
  otherToken,
  overloaded,
  unavailable,
  usedUp,
} from './problem-sentences.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** The contract fixes the wording, and the plural. When attempts do not count, there is no number. */
const withCount = (sentence: string, remaining: number | undefined) =>
  remaining === undefined ? sentence : `${sentence} ${remaining} attempts remaining.`;

const kib = (bytes: number) => `${bytes / 1024} KiB`;

/** A message that is a sentence stands alone. Any other follows the name of its field. */
const toSentence = ({ path, message }: FieldError) =>
  message.endsWith('.') ? message : `${path === '' ? 'The request body' : path} ${message}.`;

const ofBody = 'The request body ';

function challenge(error?: string, scopes: readonly string[] = []) {
  const parameters = ['Bearer realm="keyhearth"'];
  if (error !== undefined) parameters.push(`error="${error}"`);
  if (scopes.length > 0) parameters.push(`scope="${scopes.join(' ')}"`);
  return { 'WWW-Authenticate': parameters.join(', ') };
}
const retryAfter = ({ retryAfter: seconds }: { retryAfter: number }) => ({ 'Retry-After': String(seconds) });

const rules = {
  invalid_request: {
    status: 400,
    detail: ({ errors }) => errors.map(toSentence).join(' '),
    errors: ({ errors }) => errors,
  },
  malformed_request: {
    status: 400,
    detail: ({ reason }) => malformed[reason],
    errors: ({ reason }) =>
      malformed[reason].startsWith(ofBody)
        ? [{ path: '', message: malformed[reason].slice(ofBody.length, -1) }]
        : [],
  },
  conflicting_api_keys: {
    status: 400,
    detail: 'The request carries different API keys. Send one key, in one header.',
  },
  no_api_key_configured: {
    status: 401,
    detail: 'No API key configured. Register a key via POST /auth/register-key or use an existing key.',
  },
  api_key_required: {
    status: 401,
    detail: ({ remaining }) => withCount('API key required.', remaining),
    hint: 'Send the key in X-Proxbox-API-Key, X-API-Key or Authorization: Bearer, or sign in with POST /auth/login and send its cookie.',
  },
  // RFC 6750, section 3: only a token that the client has sent gets an error code.
  invalid_api_key: {
    status: 401,
    detail: ({ remaining, isTokenOf }) =>
      isTokenOf ? otherToken[isTokenOf] : withCount('Invalid API key.', remaining),
    headers: () => challenge('invalid_token'),
  },
  invalid_bootstrap_token: {
    status: 401,
    detail: ({ isMissing, remaining }) =>
      isMissing
        ? `Bootstrap token required: send it in the header ${BOOTSTRAP_TOKEN_HEADER}.`
        : withCount('Invalid bootstrap token.', remaining),
  },
  insufficient_scope: {
    status: 403,
    detail: ({ reason, scopes, isPerson }) =>
      isPerson && reason === 'route' ? lacking(scopes) : insufficient[reason](scopes.join(' ')),
    // RFC 6750, section 3: `scope` has the scopes that the request needs.
    headers: ({ scopes }) => challenge('insufficient_scope', scopes),
  },
  ...accountRules,
  ...gatewayRules,
  not_found: { status: 404, detail: 'There is nothing at this path.' },
  api_key_not_found: { status: 404, detail: 'API key not found.' },
  method_not_allowed: {
    status: 405,
    detail: ({ allow }) => `This path answers ${allow.join(', ')} only.`,
    headers: ({ allow }) => ({ Allow: allow.join(', ') }),
  },
  request_timeout: { status: 408, detail: 'The request did not arrive in time.' },
  api_key_already_configured: { status: 409, detail: 'An API key is already configured.' },
  last_active_api_key_required: {
    status: 409,
    detail: 'This is the last active API key that can manage keys. Create or activate another one first.',
  },
  api_key_already_rotated: {
    status: 409,
    detail: ({ successor }) => `This API key is rotated already. Its successor is the key ${successor}.`,
  },
  api_key_not_usable: {
    status: 409,
    detail: 'This API key is inactive or expired. Activate it, or give it a later expiry first.',
  },
  caller_would_be_locked_out: {
    status: 409,
    detail:
      'With these allowed_ips, your own key would not work from your address. To do it anyway, send "force": true.',
  },
  gateway_config_changed: {
    status: 409,
    detail:
      'The configuration file of the gateway has changed in the meantime. Read it again, and repeat your change.',
  },
  gateway_config_unwritable: {
    status: 409,
    detail: ({ error }) =>
      `The configuration file of the gateway cannot be written (${error}). Change it where it comes from.`,
  },
  body_too_large: {
    status: 413,
    detail: ({ limitBytes }) => `The request body is larger than ${kib(limitBytes)}.`,
  },
  unsupported_media_type: {
    status: 415,
    detail: ({ reason }) => mediaType[reason].detail,
    errors: ({ reason }) => [mediaType[reason].error],
    // RFC 9110, section 12.5.3: the encodings that a body may have.
    headers: ({ reason }) => (reason === 'compressed' ? { 'Accept-Encoding': 'identity' } : {}),
  },
  gateway_config_invalid: {
    status: 422,
    detail: ({ sentence }) => sentence,
    errors: ({ field, sentence }) => [{ path: field, message: sentence }],
  },
  misdirected_request: {
    status: 421,
    detail: 'This service does not answer for the host in the Host header.',
    hint: 'Use a host of KEYHEARTH_ALLOWED_HOSTS. A direct request from the same machine may also use localhost or an IP address. If a proxy on the same machine sent the request, set KEYHEARTH_TRUSTED_PROXIES.',
  },
  rate_limited: {
    status: 429,
    detail: ({ limits }) => usedUp(limits),
    headers: (failure) => ({ ...retryAfter(failure), ...rateLimitHeaders(failure.limits) }),
  },
  too_many_failed_attempts: {
    status: 429,
    detail: 'Too many failed authentication attempts. Please try again later.',
    headers: retryAfter,
  },
  request_headers_too_large: {
    status: 431,
    detail: ({ limitBytes }) => `The request headers are larger than ${kib(limitBytes)}.`,
  },
  http_error: {
    status: ({ status }) => status,
    detail: ({ status }) => `The request was refused: ${STATUS_CODES[status] ?? 'unknown status'}.`,
    // The exception does not say how long to wait, but these answers always do.
    headers: ({ status }) => (status === 429 || status === 503 ? retryAfter({ retryAfter: 5 }) : {}),
  },
  internal_error: {
    status: 500,
    detail: 'Something went wrong here. The log says more: search it for the id in the header X-Request-Id.',
  },
  overloaded: { status: 503, detail: ({ reason }) => overloaded[reason], headers: retryAfter },
  stopping: { status: 503, detail: 'The service is stopping.', headers: retryAfter },
  database_busy: { status: 503, detail: ({ reason }) => busy[reason], headers: retryAfter },
  database_unavailable: { status: 503, detail: ({ reason }) => unavailable[reason], headers: retryAfter },
} satisfies { [Code in FailureCode]: Rule<Code> };

/** All codes that a problem document can carry. */
export const problemCodes = Object.keys(rules) as [FailureCode, ...FailureCode[]];

export type ProblemDocument = {
  type: 'about:blank';
  title: string | undefined;
  status: number;
  detail: string;
  code: FailureCode;
  hint?: string;
  errors?: readonly FieldError[];
};

/**
 * The failure as RFC 9457 problem details, and the headers that go with it.
 * @param sentStatus the status to send in place of the usual one
 */
export function describeProblem(
  failure: Failure,
  sentStatus = (usual: number) => usual,
): {
  document: ProblemDocument;
  headers: Record<string, string>;
} {
  const rule = ruleOf(failure);
  const status = sentStatus(typeof rule.status === 'function' ? rule.status(failure) : rule.status);
  const errors = rule.errors?.(failure) ?? [];
  return {
    document: {
      type: 'about:blank',
      title: STATUS_CODES[status],
      status,
      detail: typeof rule.detail === 'function' ? rule.detail(failure) : rule.detail,
      code: failure.code,
      ...(rule.hint !== undefined && { hint: rule.hint }),
      ...(errors.length > 0 && { errors }),
    },
    headers: { ...(status === 401 && challenge()), ...rule.headers?.(failure) },
  };
}

/**
 * Makes a dialect of RFC 9457 problem documents.
 * @param sentStatus the status to send in place of the usual one
 */
export const problemDialect =
  (sentStatus?: (usual: number) => number): Dialect =>
  (failure) => {
    const { document, headers } = describeProblem(failure, sentStatus);
    return {
      status: document.status,
      headers: { ...SECURITY_HEADERS, ...NO_STORE, 'Content-Type': PROBLEM_TYPE, ...headers },
      body: JSON.stringify(document),
    };
  };

/** The dialect of the core. */
export const problem = problemDialect();

/** The row of a code takes only failures of that code, but the type of an indexed table cannot say that. */
const ruleOf = (failure: Failure) => rules[failure.code] as Rule<FailureCode>;

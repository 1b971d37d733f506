import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import type { Failure, FailureCode, FailureOf } from '../../lib/failure.ts';
import type { Dialect } from '../dialect.ts';
import { NO_STORE, SECURITY_HEADERS } from '../security-headers.ts';
import { describeProblem } from './problem.ts';
import { NEEDS_SETUP, NOT_ENABLED } from './problem-account-rules.ts';

/** The codes of tRPC that this service sends, and the status of each. */
const statuses = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  TIMEOUT: 408,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  BAD_GATEWAY: 502,
  SERVICE_UNAVAILABLE: 503,
  GATEWAY_TIMEOUT: 504,
} as const satisfies Partial<Record<keyof typeof TRPC_ERROR_CODES_BY_KEY, number>>;

type TrpcCode = keyof typeof statuses;

/** A code alone goes with the sentence of the problem document. */
type Rule<Code extends FailureCode> =
  | TrpcCode
  | readonly [TrpcCode, string]
  | ((failure: FailureOf<Code>) => readonly [TrpcCode, string?]);

const notAuthenticated = ['UNAUTHORIZED', 'Not authenticated'] as const;
const adminRequired = ['FORBIDDEN', 'Admin role required'] as const;

const rules = {
  invalid_request: 'BAD_REQUEST',
  malformed_request: 'BAD_REQUEST',
  conflicting_api_keys: 'BAD_REQUEST',
  no_api_key_configured: notAuthenticated,
  api_key_required: notAuthenticated,
  invalid_api_key: ['UNAUTHORIZED', 'Invalid or expired API key'],
  api_key_in_url: 'UNAUTHORIZED',
  invalid_bootstrap_token: 'UNAUTHORIZED',
  // Only an admin holds everything, so `*` is the role.
  insufficient_scope: ({ reason, scopes }) => {
    if (reason !== 'route') return ['FORBIDDEN'];
    if (scopes.includes('*')) return adminRequired;
    return ['UNAUTHORIZED', `API token missing scope: ${shownScopes(scopes).join(', ')}`];
  },
  rate_limited: 'TOO_MANY_REQUESTS',
  too_many_concurrent: 'TOO_MANY_REQUESTS',
  invalid_session: notAuthenticated,
  invalid_sign_in: ['UNAUTHORIZED', 'Invalid email or password'],
  two_factor_code_required: 'UNAUTHORIZED',
  invalid_two_factor_code: ['UNAUTHORIZED', 'Invalid authenticator code'],
  // The contract fixes this sentence.
  too_many_sign_in_attempts: ({ retryAfter }) => [
    'TOO_MANY_REQUESTS',
    `Too many failed attempts. Try again in ${Math.ceil(retryAfter / 60)} minute(s).`,
  ],
  two_factor_setup_required: ['FORBIDDEN', NEEDS_SETUP],
  // The client has no field for the password.
  recent_sign_in_required: ['FORBIDDEN', 'Sign in again: this change needs a sign-in of the last 15 minutes'],
  cross_site_request: 'FORBIDDEN',
  api_key_only: 'FORBIDDEN',
  account_only: 'FORBIDDEN',
  setup_already_complete: ['FORBIDDEN', 'Setup already complete'],
  registration_closed: 'FORBIDDEN',
  account_not_found: 'NOT_FOUND',
  email_already_used: 'CONFLICT',
  last_admin_required: 'CONFLICT',
  session_not_found: 'NOT_FOUND',
  invitation_not_found: 'NOT_FOUND',
  invalid_invitation: 'NOT_FOUND',
  two_factor_already_enabled: 'CONFLICT',
  two_factor_not_enabled: ['CONFLICT', NOT_ENABLED],
  not_found: 'NOT_FOUND',
  api_key_not_found: 'NOT_FOUND',
  method_not_allowed: 'METHOD_NOT_SUPPORTED',
  request_timeout: 'TIMEOUT',
  api_key_already_configured: 'CONFLICT',
  last_active_api_key_required: 'CONFLICT',
  api_key_already_rotated: 'CONFLICT',
  api_key_not_usable: 'CONFLICT',
  api_key_declared: 'CONFLICT',
  caller_would_be_locked_out: 'CONFLICT',
  gateway_config_invalid: 'BAD_REQUEST',
  gateway_config_changed: 'CONFLICT',
  gateway_config_unwritable: 'CONFLICT',
  misdirected_request: 'BAD_REQUEST',
  body_too_large: 'PAYLOAD_TOO_LARGE',
  unsupported_media_type: 'UNSUPPORTED_MEDIA_TYPE',
  too_many_failed_attempts: 'TOO_MANY_REQUESTS',
  request_headers_too_large: 'BAD_REQUEST',
  http_error: 'BAD_REQUEST',
  internal_error: 'INTERNAL_SERVER_ERROR',
  management_refused: 'FORBIDDEN',
  management_invalid: 'BAD_REQUEST',
  no_upstream: 'NOT_FOUND',
  no_upstream_credential: 'NOT_FOUND',
  upstream_rate_limited: 'TOO_MANY_REQUESTS',
  upstream_unreachable: 'BAD_GATEWAY',
  upstream_connection_lost: 'BAD_GATEWAY',
  upstream_invalid_answer: 'BAD_GATEWAY',
  upstream_credential_refused: 'BAD_GATEWAY',
  upstream_redirected: 'BAD_GATEWAY',
  upstream_websocket_refused: 'BAD_GATEWAY',
  upstream_connect_timeout: 'GATEWAY_TIMEOUT',
  upstream_timeout: 'GATEWAY_TIMEOUT',
  overloaded: 'SERVICE_UNAVAILABLE',
  stopping: 'SERVICE_UNAVAILABLE',
  database_busy: 'SERVICE_UNAVAILABLE',
  database_unavailable: 'SERVICE_UNAVAILABLE',
} satisfies { [Code in FailureCode]: Rule<Code> };

/** The scopes as clients of this API know them. */
export const shownScopes = (scopes: readonly string[]): string[] =>
  scopes.map((scope) => scope.replace(/^proxyos:/, ''));

/** An error of tRPC, without the path of the procedure. */
export type TrpcError = Readonly<{
  message: string;
  /** The number that JSON-RPC 2.0 has for the code. */
  code: number;
  data: Readonly<{ code: TrpcCode; httpStatus: number }>;
}>;

/** A failure as an error of tRPC, and the headers that go with it. */
export function describeTrpcError(failure: Failure): { error: TrpcError; headers: Record<string, string> } {
  // The row of a code takes only failures of that code, but the type of an indexed table cannot say that.
  const rule = rules[failure.code] as Rule<FailureCode>;
  const made = typeof rule === 'function' ? rule(failure) : rule;
  const [code, sentence] = typeof made === 'string' ? [made] : made;
  const { document, headers } = describeProblem(failure);
  const httpStatus = statuses[code];
  return {
    error: {
      message: sentence ?? document.detail,
      code: TRPC_ERROR_CODES_BY_KEY[code],
      data: { code, httpStatus },
    },
    headers,
  };
}

/** The dialect of the ProxyOS API, for what fails outside a procedure. The client reads it as the answer of each call. */
export const trpc: Dialect = (failure) => {
  const { error, headers } = describeTrpcError(failure);
  return {
    status: error.data.httpStatus,
    headers: { ...SECURITY_HEADERS, ...NO_STORE, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ error: { json: error } }),
  };
};

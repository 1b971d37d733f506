import type { Failure, FailureCode, FailureOf } from '../../lib/failure.ts';
import type { Dialect } from '../dialect.ts';
import { NO_STORE, SECURITY_HEADERS } from '../security-headers.ts';
import { describeProblem } from './problem.ts';

/** The classes of errors that OpenAI's clients know. */
type ErrorType =
  | 'authentication_error'
  | 'invalid_request_error'
  | 'not_found'
  | 'permission_error'
  | 'rate_limit_error'
  | 'server_error';

/** A type alone goes with the sentence of the problem document, and with the code of the failure. */
type Rule<Code extends FailureCode> =
  | ErrorType
  | readonly [ErrorType, string | ((failure: FailureOf<Code>) => string)];

/** The contract fixes both sentences. */
const missing = ['authentication_error', 'Missing API key'] as const;
const invalid = ['authentication_error', 'Invalid API key'] as const;

const MIB = 1024 * 1024;

const rules = {
  invalid_request: 'invalid_request_error',
  malformed_request: 'invalid_request_error',
  conflicting_api_keys: 'invalid_request_error',
  // The key that was sent is unknown, as every other one.
  no_api_key_configured: invalid,
  api_key_required: missing,
  invalid_api_key: invalid,
  api_key_in_url: 'authentication_error',
  invalid_bootstrap_token: 'authentication_error',
  insufficient_scope: 'permission_error',
  rate_limited: 'rate_limit_error',
  too_many_concurrent: 'rate_limit_error',
  invalid_session: 'authentication_error',
  invalid_sign_in: 'authentication_error',
  two_factor_code_required: 'authentication_error',
  invalid_two_factor_code: 'authentication_error',
  too_many_sign_in_attempts: 'rate_limit_error',
  two_factor_setup_required: 'permission_error',
  recent_sign_in_required: 'permission_error',
  cross_site_request: [
    'permission_error',
    ({ isDocument }) =>
      isDocument
        ? 'A browser cannot open this path. Send the request from a program, or with fetch().'
        : 'The request comes from a page of another site. Send it from a program instead.',
  ],
  api_key_only: 'permission_error',
  account_only: 'permission_error',
  setup_already_complete: 'permission_error',
  registration_closed: 'permission_error',
  account_not_found: 'not_found',
  email_already_used: 'invalid_request_error',
  last_admin_required: 'invalid_request_error',
  session_not_found: 'not_found',
  invitation_not_found: 'not_found',
  invalid_invitation: 'not_found',
  two_factor_already_enabled: 'invalid_request_error',
  two_factor_not_enabled: 'invalid_request_error',
  not_found: ['not_found', 'Not Found'],
  api_key_not_found: 'not_found',
  method_not_allowed: 'invalid_request_error',
  request_timeout: 'invalid_request_error',
  api_key_already_configured: 'invalid_request_error',
  last_active_api_key_required: 'invalid_request_error',
  api_key_already_rotated: 'invalid_request_error',
  api_key_not_usable: 'invalid_request_error',
  api_key_declared: 'invalid_request_error',
  caller_would_be_locked_out: 'invalid_request_error',
  gateway_config_invalid: 'invalid_request_error',
  gateway_config_changed: 'invalid_request_error',
  gateway_config_unwritable: 'invalid_request_error',
  misdirected_request: [
    'permission_error',
    'While no API key is needed, the Host header must name localhost or a loopback address, and no proxy may pass the request on.',
  ],
  body_too_large: [
    'invalid_request_error',
    ({ limitBytes }) =>
      `The member "model" must be in the first ${limitBytes / MIB} MiB of the request body.`,
  ],
  unsupported_media_type: 'invalid_request_error',
  too_many_failed_attempts: 'rate_limit_error',
  request_headers_too_large: 'invalid_request_error',
  http_error: 'invalid_request_error',
  internal_error: 'server_error',
  management_refused: 'authentication_error',
  management_invalid: 'invalid_request_error',
  no_upstream: 'not_found',
  no_upstream_credential: 'not_found',
  upstream_rate_limited: 'rate_limit_error',
  upstream_unreachable: 'server_error',
  upstream_connection_lost: 'server_error',
  upstream_invalid_answer: 'server_error',
  upstream_credential_refused: 'server_error',
  upstream_redirected: 'server_error',
  upstream_websocket_refused: 'server_error',
  upstream_connect_timeout: 'server_error',
  upstream_timeout: 'server_error',
  overloaded: 'server_error',
  stopping: 'server_error',
  database_busy: 'server_error',
  database_unavailable: 'server_error',
} satisfies { [Code in FailureCode]: Rule<Code> };

/** The dialect of the gateway for its clients: the errors of OpenAI, `{"error": {"message", "type", "code"}}`. */
export const openai: Dialect = (failure) => {
  const { document, headers } = describeProblem(failure);
  const { type, message } = describe(failure);
  return {
    status: document.status,
    headers: { ...SECURITY_HEADERS, ...NO_STORE, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ error: { message: message ?? document.detail, type, code: failure.code } }),
  };
};

export function describe(failure: Failure): { type: ErrorType; message?: string } {
  // The row of a code takes only failures of that code, but the type of an indexed table cannot say that.
  const rule = rules[failure.code] as Rule<FailureCode>;
  if (typeof rule === 'string') return { type: rule };
  const [type, message] = rule;
  return { type, message: typeof message === 'function' ? message(failure) : message };
}

import type { Failure, FailureCode, FailureOf, FieldError } from '../../lib/failure.ts';
import type { Dialect } from '../dialect.ts';
import { NO_STORE, SECURITY_HEADERS } from '../security-headers.ts';
import { describeProblem } from './problem.ts';
import { NOT_ENABLED, SIGN_IN_AGAIN } from './problem-account-rules.ts';

/** The status, the body and the headers of a failure. */
type Answer = Readonly<{ status: number; body: object; headers?: Record<string, string> }>;

const message = (status: number, text: string, headers: Record<string, string> = {}): Answer => ({
  status,
  body: { message: text },
  headers,
});

/** The status, the sentence and the headers of the problem dialect. */
function sameSentence(failure: Failure): Answer {
  const { document, headers } = describeProblem(failure);
  return message(document.status, document.detail, headers);
}

/** For each reason the same, also for a wrong password. */
const unauthenticated = (): Answer =>
  message(401, 'Unauthenticated.', { 'WWW-Authenticate': 'Bearer realm="keyhearth"' });

const notFound = (): Answer => message(404, 'Not found.');

const needsTwoFactor = (): Answer => ({
  status: 403,
  body: { message: 'Two-factor authentication required.', requires_2fa: true },
});

const tooMany = (limit: number, { retryAfter }: { retryAfter: number }): Answer =>
  message(429, 'Too Many Attempts.', {
    'Retry-After': String(Math.ceil(retryAfter)),
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': '0',
  });

/** A message that is a sentence stands alone. Any other follows the name of its field. */
const toSentence = ({ path, message: text }: FieldError) =>
  text.endsWith('.')
    ? text
    : `${path === '' ? 'The request body' : `The ${path.replaceAll('_', ' ')} field`} ${text}.`;

function invalid(errors: readonly FieldError[]): Answer {
  const fields = Object.groupBy(errors, ({ path }) => (path === '' ? 'body' : path));
  return {
    status: 422,
    body: {
      success: false,
      payload: null,
      errors: Object.fromEntries(
        Object.entries(fields).map(([field, ofField = []]) => [field, ofField.map(toSentence)]),
      ),
      description: 'Validation failed',
    },
  };
}

/** The row of a code gets the failures of that code alone. */
type Rules = { [Code in FailureCode]: (failure: FailureOf<Code>, lockoutAttempts: number) => Answer };

const rules = {
  invalid_request: ({ errors }) => invalid(errors),
  email_already_used: () => invalid([{ path: 'email', message: 'The email has already been taken.' }]),
  malformed_request: sameSentence,
  conflicting_api_keys: sameSentence,
  api_key_in_url: sameSentence,
  no_api_key_configured: unauthenticated,
  api_key_required: unauthenticated,
  invalid_api_key: unauthenticated,
  invalid_session: unauthenticated,
  invalid_sign_in: unauthenticated,
  invalid_two_factor_code: unauthenticated,
  invalid_bootstrap_token: unauthenticated,
  two_factor_code_required: needsTwoFactor,
  two_factor_setup_required: needsTwoFactor,
  insufficient_scope: sameSentence,
  recent_sign_in_required: () => message(403, SIGN_IN_AGAIN),
  cross_site_request: sameSentence,
  api_key_only: sameSentence,
  account_only: () => message(403, 'This request needs an access token, and not an API key.'),
  setup_already_complete: sameSentence,
  registration_closed: sameSentence,
  not_found: notFound,
  api_key_not_found: notFound,
  account_not_found: notFound,
  session_not_found: notFound,
  invitation_not_found: notFound,
  invalid_invitation: notFound,
  method_not_allowed: sameSentence,
  request_timeout: sameSentence,
  last_admin_required: sameSentence,
  two_factor_already_enabled: sameSentence,
  two_factor_not_enabled: () => message(409, NOT_ENABLED),
  api_key_already_configured: sameSentence,
  last_active_api_key_required: sameSentence,
  api_key_already_rotated: sameSentence,
  api_key_not_usable: sameSentence,
  api_key_declared: sameSentence,
  caller_would_be_locked_out: sameSentence,
  gateway_config_invalid: sameSentence,
  gateway_config_changed: sameSentence,
  gateway_config_unwritable: sameSentence,
  body_too_large: sameSentence,
  unsupported_media_type: sameSentence,
  misdirected_request: sameSentence,
  too_many_sign_in_attempts: (failure) => tooMany(failure.limit, failure),
  too_many_failed_attempts: (failure, lockoutAttempts) => tooMany(lockoutAttempts, failure),
  rate_limited: (failure) =>
    tooMany(failure.limits.find(({ remaining }) => remaining === 0)?.limit ?? 0, failure),
  too_many_concurrent: (failure) => tooMany(failure.limit, failure),
  request_headers_too_large: sameSentence,
  http_error: sameSentence,
  internal_error: sameSentence,
  management_refused: sameSentence,
  management_invalid: sameSentence,
  no_upstream: sameSentence,
  no_upstream_credential: sameSentence,
  upstream_rate_limited: sameSentence,
  upstream_unreachable: sameSentence,
  upstream_connection_lost: sameSentence,
  upstream_invalid_answer: sameSentence,
  upstream_credential_refused: sameSentence,
  upstream_redirected: sameSentence,
  upstream_websocket_refused: sameSentence,
  upstream_connect_timeout: sameSentence,
  upstream_timeout: sameSentence,
  overloaded: sameSentence,
  stopping: sameSentence,
  database_busy: sameSentence,
  database_unavailable: sameSentence,
} satisfies Record<FailureCode, unknown> & Rules;

/** The answer to a failure. @param lockoutAttempts how many failed attempts lock an address out */
export function describeLaravel(failure: Failure, lockoutAttempts: number): Answer {
  const rule = rules[failure.code] as (failure: Failure, lockoutAttempts: number) => Answer;
  return rule(failure, lockoutAttempts);
}

/** Makes the dialect of the ProxyHat API: the bodies of its original, which is a Laravel application. */
export const laravelDialect =
  (lockoutAttempts: number): Dialect =>
  (failure) => {
    const { status, body, headers } = describeLaravel(failure, lockoutAttempts);
    return {
      status,
      headers: { ...SECURITY_HEADERS, ...NO_STORE, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    };
  };

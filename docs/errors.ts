import { describeProblem } from '../src/http/dialects/problem.ts';
import type { FailureCode, FailureOf } from '../src/lib/failure.ts';

/** The table of docs/errors.md: status and sentence come from the code, the advice is written here. */

type Explained<Code extends FailureCode> = {
  /** One for each sentence that the code can have. */
  examples: readonly FailureOf<Code>[];
  advice: string;
  /** What the table shows when the status is not always the same. */
  status?: string;
};

const TRY_AGAIN = 'Try again after the time in `Retry-After`.';
const ASK = 'If that does not help, ask the operator of the gateway.';

const explained: { [Code in FailureCode]: Explained<Code> } = {
  invalid_request: {
    examples: [
      { code: 'invalid_request', errors: [{ path: 'label', message: 'must be at most 200 characters' }] },
    ],
    advice: 'Correct the fields that `errors` lists. Each entry has the `path` of a field and a `message`.',
  },
  malformed_request: {
    examples: (
      ['not_http', 'target', 'body_incomplete', 'body_not_utf8', 'body_not_json', 'duplicate_model'] as const
    ).map((reason) => ({ code: 'malformed_request', reason })),
    advice: 'Correct the program that sends the request.',
  },
  conflicting_api_keys: {
    examples: [{ code: 'conflicting_api_keys' }],
    advice: 'Send the key in one header only. Check whether a proxy in front of Keyhearth adds another key.',
  },
  no_api_key_configured: {
    examples: [{ code: 'no_api_key_configured' }],
    advice: 'Register the first key: see [Register the first key](first-key.md).',
  },
  api_key_required: {
    examples: [{ code: 'api_key_required', remaining: 5 }],
    advice: 'Send a key in `X-API-Key`, `X-Proxbox-API-Key` or `Authorization: Bearer`.',
  },
  invalid_api_key: {
    examples: [
      { code: 'invalid_api_key', remaining: 4 },
      { code: 'invalid_api_key', remaining: undefined, isTokenOf: 'access_token' },
    ],
    advice:
      'Check that the key is complete, active, not expired, not deleted, and allowed from your address. Keyhearth does not say which of these is wrong.',
  },
  invalid_bootstrap_token: {
    examples: [
      { code: 'invalid_bootstrap_token', isMissing: true, remaining: undefined },
      { code: 'invalid_bootstrap_token', isMissing: false, remaining: 4 },
    ],
    advice: 'Send the token that the operator has set in `KEYHEARTH_BOOTSTRAP_TOKEN`.',
  },
  insufficient_scope: {
    examples: [
      { code: 'insufficient_scope', reason: 'route', scopes: ['keys:write'] },
      { code: 'insufficient_scope', reason: 'scopes', scopes: ['invoices:read'] },
      ...(['expires_at', 'allowed_ips', 'rate_limits', 'max_concurrent'] as const).map(
        (reason) => ({ code: 'insufficient_scope', reason, scopes: [] }) as const,
      ),
    ],
    advice: 'Use a key that holds more. See [Give keys scopes](scopes.md).',
  },
  rate_limited: {
    examples: [
      {
        code: 'rate_limited',
        retryAfter: 1,
        limits: [{ name: 'burst', limit: 20, window: '1s', windowMs: 1_000, remaining: 0, resetMs: 1_000 }],
      },
    ],
    advice: `${TRY_AGAIN} See [Limit how often a key is used](rate-limits.md).`,
  },
  too_many_concurrent: {
    examples: [{ code: 'too_many_concurrent', limit: 5, retryAfter: 1 }],
    advice:
      'Wait until a request or a WebSocket of the key has ended. Or give the key a larger `max_concurrent`.',
  },
  api_key_in_url: {
    examples: [{ code: 'api_key_in_url' }],
    advice:
      'Send the key in a header. See [Point a ProxyOS client at Keyhearth](proxyos.md#send-a-key-in-the-url).',
  },
  invalid_session: {
    examples: [{ code: 'invalid_session' }],
    advice: 'Sign in again.',
  },
  invalid_sign_in: {
    examples: [{ code: 'invalid_sign_in' }, { code: 'invalid_sign_in', field: 'password' }],
    advice: 'Check the e-mail address and the password. Keyhearth does not say which of them is wrong.',
  },
  two_factor_code_required: {
    examples: [{ code: 'two_factor_code_required' }],
    advice: 'Repeat the sign-in with the code of your authenticator app, or with a recovery code.',
  },
  invalid_two_factor_code: {
    examples: (['code', 'recovery_code', 'confirmation'] as const).map((given) => ({
      code: 'invalid_two_factor_code',
      given,
    })),
    advice: 'Wait for the next code: a code works once. Check the clock of your phone.',
  },
  too_many_sign_in_attempts: {
    examples: [{ code: 'too_many_sign_in_attempts', limit: 5, retryAfter: 900 }],
    advice: TRY_AGAIN,
  },
  two_factor_setup_required: {
    examples: [{ code: 'two_factor_setup_required' }],
    advice: 'Set up two-factor authentication. The operator requires it.',
  },
  recent_sign_in_required: {
    examples: [{ code: 'recent_sign_in_required' }, { code: 'recent_sign_in_required', isReading: true }],
    advice: 'Send your password in the request, or sign in again.',
  },
  cross_site_request: {
    examples: [{ code: 'cross_site_request' }],
    advice: 'Send the request from a page of this service, or send an API key in place of the cookie.',
  },
  api_key_only: {
    examples: [{ code: 'api_key_only' }],
    advice: 'Send an API key.',
  },
  account_only: {
    examples: [{ code: 'account_only' }],
    advice: 'Sign in, and send the cookie of the session.',
  },
  setup_already_complete: {
    examples: [{ code: 'setup_already_complete' }],
    advice: 'Sign in, or ask an admin for an invitation.',
  },
  registration_closed: {
    examples: [{ code: 'registration_closed' }],
    advice: 'Ask an admin for an invitation.',
  },
  account_not_found: { examples: [{ code: 'account_not_found' }], advice: 'Check the id.' },
  email_already_used: {
    examples: [{ code: 'email_already_used' }],
    advice: 'Sign in with this e-mail address, or use another one.',
  },
  last_admin_required: {
    examples: [{ code: 'last_admin_required' }],
    advice: 'Make another account an admin. Then repeat the request.',
  },
  session_not_found: { examples: [{ code: 'session_not_found' }], advice: 'Check the id.' },
  invitation_not_found: { examples: [{ code: 'invitation_not_found' }], advice: 'Check the id.' },
  invalid_invitation: {
    examples: [{ code: 'invalid_invitation' }],
    advice: 'Ask an admin for a new invitation.',
  },
  two_factor_already_enabled: {
    examples: [{ code: 'two_factor_already_enabled' }],
    advice: 'Disable two-factor authentication first, if you want to set it up again.',
  },
  two_factor_not_enabled: {
    examples: [{ code: 'two_factor_not_enabled' }, { code: 'two_factor_not_enabled', isConfirming: true }],
    advice: 'Set up two-factor authentication first.',
  },
  not_found: {
    examples: [{ code: 'not_found' }],
    advice: 'Check the path. Without a valid key, an unknown path answers 401.',
  },
  api_key_not_found: {
    examples: [{ code: 'api_key_not_found' }],
    advice: 'Check the id. You cannot restore a deleted key, and no new key gets the id of a deleted key.',
  },
  method_not_allowed: {
    examples: [{ code: 'method_not_allowed', allow: ['GET', 'HEAD'] }],
    advice: 'Use a method that the header `Allow` lists.',
  },
  request_timeout: {
    examples: [{ code: 'request_timeout' }],
    advice: 'Send the headers within 10 seconds and the whole request within 30 seconds.',
  },
  api_key_already_configured: {
    examples: [{ code: 'api_key_already_configured' }],
    advice: 'To create more keys, send `POST /auth/keys` with an existing key.',
  },
  last_active_api_key_required: {
    examples: [{ code: 'last_active_api_key_required' }],
    advice: 'Create another key, or activate one. Then repeat the request.',
  },
  api_key_already_rotated: {
    examples: [{ code: 'api_key_already_rotated', successor: 3 }],
    advice: 'Rotate the successor.',
  },
  api_key_not_usable: {
    examples: [{ code: 'api_key_not_usable' }],
    advice: 'Activate the key with `POST /auth/keys/{id}/activate`, or change its `expires_at`.',
  },
  api_key_declared: {
    examples: [{ code: 'api_key_declared' }],
    advice:
      'Change the key in the file of the gateway. Here you can change its owner, limits, addresses, expiry and metadata.',
  },
  caller_would_be_locked_out: {
    examples: [{ code: 'caller_would_be_locked_out' }],
    advice: 'Add your own address to `allowed_ips`, or send `"force": true`.',
  },
  gateway_config_invalid: {
    examples: [
      {
        code: 'gateway_config_invalid',
        reason: 'invalid_config',
        field: 'port',
        sentence: 'Line 3: port must be a whole number from 1 to 65535.',
      },
    ],
    advice: 'Correct the line that the sentence names. The file is as it was before.',
  },
  gateway_config_changed: {
    examples: [{ code: 'gateway_config_changed' }],
    advice: 'Read the file again, and repeat your change.',
  },
  gateway_config_unwritable: {
    examples: [{ code: 'gateway_config_unwritable', error: 'EROFS' }],
    advice:
      'Change the file where it comes from, for example in its ConfigMap. Or give the user of Keyhearth the right to write it.',
  },
  body_too_large: {
    examples: [{ code: 'body_too_large', limitBytes: 64 * 1024 }],
    advice: 'Send a smaller body.',
  },
  unsupported_media_type: {
    examples: (['not_json', 'compressed'] as const).map((reason) => ({
      code: 'unsupported_media_type',
      reason,
    })),
    advice: 'Send JSON that is not compressed, and the header `Content-Type: application/json`.',
  },
  misdirected_request: {
    examples: [{ code: 'misdirected_request' }],
    advice: 'Do what `hint` says. See [Trust your proxies](trusted-proxies.md#host-names).',
  },
  too_many_failed_attempts: {
    examples: [{ code: 'too_many_failed_attempts', retryAfter: 300 }],
    advice: `${TRY_AGAIN} See [Understand the lockout](lockout.md).`,
  },
  request_headers_too_large: {
    examples: [{ code: 'request_headers_too_large', limitBytes: 64 * 1024 }],
    advice: 'Send fewer or shorter headers. Cookies are often the reason.',
  },
  http_error: {
    examples: [{ code: 'http_error', status: 408 }],
    status: '4xx or 5xx',
    advice: 'The status says what is wrong. Keyhearth has no special code for this status.',
  },
  internal_error: {
    examples: [{ code: 'internal_error' }],
    advice: 'Find the line in the log that has the value of `X-Request-Id`, and report the error.',
  },
  management_refused: {
    examples: (['disabled', 'banned', 'remote', 'missing', 'wrong'] as const).map((reason) => ({
      code: 'management_refused',
      reason,
      retryAfter: 1_798,
    })),
    status: '401, 403 or 404',
    advice: 'See [Manage the gateway over HTTP](manage-gateway.md).',
  },
  management_invalid: {
    examples: (
      [
        ...['body', 'fields', 'index_or_value', 'base_url', 'ambiguous', 'item', 'session', 'file', 'name'],
        ...['locked', 'provider', 'directory'],
      ] as FailureOf<'management_invalid'>['reason'][]
    ).map((reason) => ({ code: 'management_invalid', reason, fields: ['tls'] })),
    status: '400, 404, 422 or 500',
    advice: 'Correct the request to the management API of the gateway, or change the file of the gateway.',
  },
  no_upstream: {
    examples: [{ code: 'no_upstream' }],
    advice: 'Check the path. The operator chooses the upstreams in `config.yaml`.',
  },
  no_upstream_credential: {
    examples: [{ code: 'no_upstream_credential' }],
    advice: 'Ask the operator of the gateway for a credential in `ampcode.upstream-api-keys`.',
  },
  upstream_rate_limited: {
    examples: [{ code: 'upstream_rate_limited', retryAfter: 30 }],
    advice: TRY_AGAIN,
  },
  upstream_unreachable: {
    examples: [{ code: 'upstream_unreachable' }],
    advice: `Try again: nothing was sent. ${ASK}`,
  },
  upstream_connection_lost: {
    examples: [{ code: 'upstream_connection_lost' }],
    advice: 'The upstream may have got the request. Send the request again only if it may run twice.',
  },
  upstream_invalid_answer: {
    examples: [{ code: 'upstream_invalid_answer' }],
    advice: 'The upstream has got the request. Ask the operator of the gateway to check its `base-url`.',
  },
  upstream_credential_refused: {
    examples: [{ code: 'upstream_credential_refused' }],
    advice: `Another credential may be used at the next request, so try again. ${ASK}`,
  },
  upstream_redirected: {
    examples: [{ code: 'upstream_redirected' }],
    advice: 'Check the path. The operator may have to correct the `base-url` of the upstream.',
  },
  upstream_websocket_refused: {
    examples: [{ code: 'upstream_websocket_refused' }],
    advice: 'Check the path and the model. The upstream may have no WebSockets: send a request instead.',
  },
  upstream_connect_timeout: {
    examples: [{ code: 'upstream_connect_timeout' }],
    advice: 'Try again later: nothing was sent.',
  },
  upstream_timeout: {
    examples: [{ code: 'upstream_timeout' }],
    advice: 'The upstream has got the request. Send the request again only if it may run twice.',
  },
  overloaded: {
    examples: (['hashing', 'undecided', 'descriptors', 'bodies'] as const).map((reason) => ({
      code: 'overloaded',
      reason,
      retryAfter: 5,
    })),
    advice: TRY_AGAIN,
  },
  stopping: {
    examples: [{ code: 'stopping', retryAfter: 5 }],
    advice:
      'Only `GET /health/ready` has this answer. Send requests to another replica, or wait for the next start.',
  },
  database_busy: {
    examples: (['other_change', 'connections', 'timeout'] as const).map((reason) => ({
      code: 'database_busy',
      reason,
      retryAfter: 1,
    })),
    advice: TRY_AGAIN,
  },
  database_unavailable: {
    examples: (
      [
        ...(['unreadable', 'unwritable', 'damaged', 'disk_full', 'file_lost'] as const),
        ...(['refused', 'unreachable', 'connection_lost'] as const),
      ] as const
    ).map((reason) => ({ code: 'database_unavailable', reason, retryAfter: 5 })),
    advice:
      'Read the log: it names the reason. Check the disk and the files of the database, or the PostgreSQL server.',
  },
};

/** A table with one row for each code, in the order of their statuses. */
export function errorTable(): string {
  const rows = Object.entries(explained).map(([code, { examples, advice, status }]) => {
    const documents = examples.map((example) => describeProblem(example).document);
    const sentences = [...new Set(documents.map(({ detail }) => detail))];
    const order = documents[0]?.status ?? 0;
    return { order, row: `| ${status ?? order} | \`${code}\` | ${sentences.join('<br>')} | ${advice} |` };
  });
  return [
    '| status | `code` | `detail` | what to do |',
    '| --- | --- | --- | --- |',
    ...rows.sort((a, b) => a.order - b.order).map(({ row }) => row),
  ].join('\n');
}

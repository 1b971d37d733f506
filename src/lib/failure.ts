import type { LimitState } from './rate-limit.ts';

export type FieldError = {
  /** The field, with dots between its parts; empty for the request body as a whole. */
  path: string;
  /** What it must be: a whole sentence, or one that begins with the field. */
  message: string;
};

/** The number of attempts that are left before a lockout; undefined when attempts do not count. */
type Remaining = { remaining: number | undefined };

/** The field of a request that has the password of a person who is signed in. */
export type PasswordField = 'password' | 'current_password';

/** Whole seconds to wait before trying again. */
type RetryAfter = { retryAfter: number };

/**
 * Every way in which a request can fail, as a code and its parameters. Codes are stable, and no parameter is secret.
 * A dialect (`http/dialects/`) chooses status, wording and headers.
 */
export type Failure =
  | { code: 'invalid_request'; errors: readonly FieldError[] }
  | {
      code: 'malformed_request';
      reason:
        | ('not_http' | 'target')
        | ('body_incomplete' | 'body_not_utf8' | 'body_not_json' | 'duplicate_model');
    }
  | { code: 'conflicting_api_keys' }
  | { code: 'no_api_key_configured' }
  | ({ code: 'api_key_required' } & Remaining)
  /** `isTokenOf`: it is no API key at all, but a secret of another kind. This is not counted. */
  | ({ code: 'invalid_api_key'; isTokenOf?: 'session' | 'access_token' | 'invitation' } & Remaining)
  /** The URL carries a key, and the operator does not allow that. It is not verified. */
  | { code: 'api_key_in_url' }
  /** `isMissing`: the request carries no token at all, and nothing is counted. */
  | ({ code: 'invalid_bootstrap_token'; isMissing: boolean } & Remaining)
  /** The credential is valid and does not allow the request. `scopes`: what it would need, if scopes are the reason. */
  | {
      code: 'insufficient_scope';
      /** The request acts for a person, and not for a key. */
      isPerson?: true;
      reason: 'route' | 'scopes' | 'expires_at' | 'allowed_ips' | 'rate_limits' | 'max_concurrent';
      scopes: readonly string[];
    }
  /** The credential is valid. `limits`: what is left of each of its limits. */
  | ({ code: 'rate_limited'; limits: readonly LimitState[] } & RetryAfter)
  /** A person's session or access token is unknown, over or ended. It is not counted: nobody can guess one. */
  | { code: 'invalid_session' }
  /**
   * The e-mail address or the password. The answer does not say which. `field`: the password of somebody who is signed in,
   * where the request has it.
   */
  | { code: 'invalid_sign_in'; field?: PasswordField }
  /** The password is right, and the account has a second factor. */
  | { code: 'two_factor_code_required' }
  /** `given`: what was wrong. `confirmation` is the code that ends the set-up of an app. */
  | { code: 'invalid_two_factor_code'; given: 'code' | 'recovery_code' | 'confirmation' }
  /** `limit`: how many failed attempts lock the e-mail address or the client address. */
  | ({ code: 'too_many_sign_in_attempts'; limit: number } & RetryAfter)
  /** The operator requires a second factor, and the account has none. */
  | { code: 'two_factor_setup_required' }
  /** The change needs the password, or a sign-in of the last minutes. `isReading`: the request cannot carry a password. */
  | { code: 'recent_sign_in_required'; isReading?: true }
  /** A page of another site sent the request with the cookie of a session. `isDocument`: the answer would be a page. */
  | { code: 'cross_site_request'; isDocument?: true }
  /** The request acts for a person, and the route is for keys. */
  | { code: 'api_key_only' }
  /** The request acts for a key, and the route is for people. */
  | { code: 'account_only' }
  | { code: 'setup_already_complete' }
  | { code: 'registration_closed' }
  | { code: 'account_not_found' }
  | { code: 'email_already_used' }
  /** Some admin must always be able to sign in. */
  | { code: 'last_admin_required' }
  | { code: 'session_not_found' }
  | { code: 'invitation_not_found' }
  /** The token of an invitation is unknown, used or over. */
  | { code: 'invalid_invitation' }
  | { code: 'two_factor_already_enabled' }
  /** `isConfirming`: no set-up has begun that a code could confirm. */
  | { code: 'two_factor_not_enabled'; isConfirming?: true }
  | { code: 'not_found' }
  | { code: 'api_key_not_found' }
  | { code: 'method_not_allowed'; allow: readonly string[] }
  | { code: 'request_timeout' }
  | { code: 'api_key_already_configured' }
  | { code: 'last_active_api_key_required' }
  | { code: 'api_key_already_rotated'; successor: number }
  /** The key is inactive or expired. */
  | { code: 'api_key_not_usable' }
  /** The file of the gateway decides about this of the key. */
  | { code: 'api_key_declared' }
  /** The key has so many requests open at one time. */
  | ({ code: 'too_many_concurrent'; limit: number } & RetryAfter)
  /** The caller's own key would no longer be allowed from the caller's address. */
  | { code: 'caller_would_be_locked_out' }
  /** The text is no valid configuration of the gateway. `field` is empty for the text as a whole. */
  | {
      code: 'gateway_config_invalid';
      reason: 'unreadable' | 'invalid_yaml' | 'invalid_config';
      field: string;
      /** Names the line and the field, and no value. */
      sentence: string;
    }
  /** Somebody else changed the configuration file of the gateway while it was edited here. */
  | { code: 'gateway_config_changed' }
  /** `error`: the code of the system, such as EROFS. */
  | { code: 'gateway_config_unwritable'; error: string }
  /** The Host header names a host that the service does not answer for. */
  | { code: 'misdirected_request' }
  | { code: 'body_too_large'; limitBytes: number }
  | { code: 'unsupported_media_type'; reason: 'not_json' | 'compressed' }
  | ({ code: 'too_many_failed_attempts' } & RetryAfter)
  | { code: 'request_headers_too_large'; limitBytes: number }
  /** An HTTP status of the framework or of a middleware for which there is no other code. */
  | { code: 'http_error'; status: number }
  | { code: 'internal_error' }
  /** The management API of the gateway does not take the request. `retryAfter`: the rest of a ban, 0 without one. */
  | ({
      code: 'management_refused';
      reason: 'disabled' | 'banned' | 'remote' | 'missing' | 'wrong';
    } & RetryAfter)
  /** What the management API of the gateway cannot do. `fields`: what is missing, or must stay as it is. */
  | {
      code: 'management_invalid';
      reason:
        | ('body' | 'fields' | 'index_or_value' | 'base_url' | 'item' | 'ambiguous' | 'locked')
        | ('provider' | 'session' | 'file' | 'name' | 'directory');
      fields?: readonly string[];
    }
  /** No credential of the gateway is for the path, or for the prefix of the model. */
  | { code: 'no_upstream' }
  /** The path has an upstream, and no credential of it is for this client. */
  | { code: 'no_upstream_credential' }
  /** Nothing was sent: there is no connection to the upstream. */
  | { code: 'upstream_unreachable' }
  /** Nothing was sent: the connection to the upstream took too long. */
  | { code: 'upstream_connect_timeout' }
  /** The upstream may have got the request. */
  | { code: 'upstream_connection_lost' }
  /** The upstream has got the request. */
  | { code: 'upstream_timeout' }
  /** The upstream refused the credential that the operator has configured, or no header can carry it. */
  | { code: 'upstream_credential_refused' }
  /** The answer of the upstream cannot be read as HTTP. */
  | { code: 'upstream_invalid_answer' }
  /** The answer of the upstream leads to another host. */
  | { code: 'upstream_redirected' }
  | { code: 'upstream_websocket_refused' }
  /** The upstream opens no WebSocket with this credential for a while. */
  | ({ code: 'upstream_rate_limited' } & RetryAfter)
  | ({ code: 'overloaded'; reason: 'hashing' | 'undecided' | 'descriptors' | 'bodies' } & RetryAfter)
  | ({ code: 'stopping' } & RetryAfter)
  | ({ code: 'database_busy'; reason: 'other_change' | 'connections' | 'timeout' } & RetryAfter)
  | ({
      code: 'database_unavailable';
      reason:
        | ('unreadable' | 'unwritable' | 'damaged' | 'disk_full')
        | 'file_lost'
        | ('refused' | 'unreachable' | 'connection_lost');
    } & RetryAfter);

export type FailureCode = Failure['code'];

/** The failure with a given code. */
export type FailureOf<Code extends FailureCode> = Extract<Failure, { code: Code }>;

type DomainErrorOptions = ErrorOptions & {
  /** Whether the failure is part of normal operation. An unexpected one is logged with its stack. */
  isExpected?: boolean;
};

/** A failure, thrown. */
export class DomainError extends Error {
  readonly failure: Failure;
  readonly isExpected: boolean;

  constructor(failure: Failure, { isExpected = true, ...options }: DomainErrorOptions = {}) {
    super(failure.code, options);
    this.name = 'DomainError';
    this.failure = failure;
    this.isExpected = isExpected;
  }
}

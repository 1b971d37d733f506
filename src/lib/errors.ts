/** Every machine code that an error can carry, with the HTTP status it is told with. Codes are stable. */
export const statusOfCode = {
  invalid_request: 400,
  malformed_request: 400,
  conflicting_api_keys: 400,
  no_api_key_configured: 401,
  api_key_required: 401,
  invalid_api_key: 401,
  invalid_bootstrap_token: 401,
  not_found: 404,
  api_key_not_found: 404,
  method_not_allowed: 405,
  api_key_already_configured: 409,
  last_active_api_key_required: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  too_many_failed_attempts: 429,
  request_headers_too_large: 431,
  internal_error: 500,
  overloaded: 503,
  database_busy: 503,
  database_unavailable: 503,
} as const;

export type ErrorCode = keyof typeof statusOfCode;

export type FieldError = { path: string; message: string };

/** A refusal as data. `detail` is a sentence for a person and never holds a secret. */
export type Problem = {
  code: ErrorCode;
  detail: string;
  errors?: FieldError[];
  /** Seconds, rounded up. */
  retryAfter?: number;
  /** The methods that a path answers, for `method_not_allowed`. */
  allow?: string[];
};

export class DomainError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.name = 'DomainError';
    this.problem = problem;
  }
}

/** Why the process cannot start, in one sentence that says what to do. */
export class StartupError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'StartupError';
  }
}

/** The `code` of a system or SQLite error ("ENOENT", "SQLITE_BUSY"), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

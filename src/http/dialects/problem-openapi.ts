import { z } from '@hono/zod-openapi';
import type { Failure, FailureCode, FailureOf } from '../../lib/failure.ts';
import { describeProblem, PROBLEM_TYPE, problemCodes } from './problem.ts';

export const ProblemSchema = z
  .object({
    type: z.string().openapi({
      description: 'Always about:blank. The code says what is wrong',
      example: 'about:blank',
    }),
    title: z.string().openapi({ description: 'The name of the HTTP status', example: 'Unauthorized' }),
    status: z.int().openapi({ description: 'The HTTP status', example: 401 }),
    detail: z.string().openapi({ description: 'A sentence for a person' }),
    code: z.enum(problemCodes).openapi({ description: 'A stable code for programs' }),
    hint: z.string().optional().openapi({ description: 'What the caller can do about it' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'The invalid fields of the request, and what is wrong with each' }),
  })
  .openapi('Problem', { description: 'An error, as a problem document of RFC 9457' });

/** The example of each code that a route can declare. */
const samples = {
  malformed_request: { code: 'malformed_request', reason: 'body_not_json' },
  conflicting_api_keys: { code: 'conflicting_api_keys' },
  no_api_key_configured: { code: 'no_api_key_configured' },
  api_key_required: { code: 'api_key_required', remaining: 5 },
  invalid_api_key: { code: 'invalid_api_key', remaining: 4 },
  invalid_bootstrap_token: { code: 'invalid_bootstrap_token', isMissing: false, remaining: 4 },
  insufficient_scope: { code: 'insufficient_scope', reason: 'route', scopes: ['keys:write'] },
  api_key_already_rotated: { code: 'api_key_already_rotated', successor: 3 },
  api_key_not_usable: { code: 'api_key_not_usable' },
  api_key_declared: { code: 'api_key_declared' },
  caller_would_be_locked_out: { code: 'caller_would_be_locked_out' },
  invalid_session: { code: 'invalid_session' },
  invalid_sign_in: { code: 'invalid_sign_in' },
  two_factor_code_required: { code: 'two_factor_code_required' },
  invalid_two_factor_code: { code: 'invalid_two_factor_code', given: 'code' },
  two_factor_setup_required: { code: 'two_factor_setup_required' },
  recent_sign_in_required: { code: 'recent_sign_in_required' },
  cross_site_request: { code: 'cross_site_request' },
  api_key_only: { code: 'api_key_only' },
  account_only: { code: 'account_only' },
  setup_already_complete: { code: 'setup_already_complete' },
  registration_closed: { code: 'registration_closed' },
  account_not_found: { code: 'account_not_found' },
  email_already_used: { code: 'email_already_used' },
  last_admin_required: { code: 'last_admin_required' },
  session_not_found: { code: 'session_not_found' },
  invitation_not_found: { code: 'invitation_not_found' },
  invalid_invitation: { code: 'invalid_invitation' },
  two_factor_already_enabled: { code: 'two_factor_already_enabled' },
  two_factor_not_enabled: { code: 'two_factor_not_enabled' },
  too_many_sign_in_attempts: { code: 'too_many_sign_in_attempts', limit: 5, retryAfter: 900 },
  not_found: { code: 'not_found' },
  api_key_not_found: { code: 'api_key_not_found' },
  api_key_already_configured: { code: 'api_key_already_configured' },
  last_active_api_key_required: { code: 'last_active_api_key_required' },
  body_too_large: { code: 'body_too_large', limitBytes: 64 * 1024 },
  unsupported_media_type: { code: 'unsupported_media_type', reason: 'not_json' },
  rate_limited: {
    code: 'rate_limited',
    retryAfter: 1,
    limits: [{ name: 'burst', limit: 20, window: '1s', windowMs: 1_000, remaining: 0, resetMs: 1_000 }],
  },
  too_many_failed_attempts: { code: 'too_many_failed_attempts', retryAfter: 300 },
  overloaded: { code: 'overloaded', reason: 'hashing', retryAfter: 5 },
  stopping: { code: 'stopping', retryAfter: 5 },
  database_busy: { code: 'database_busy', reason: 'other_change', retryAfter: 1 },
  database_unavailable: { code: 'database_unavailable', reason: 'unreadable', retryAfter: 5 },
} satisfies { [Code in FailureCode]?: FailureOf<Code> };

const descriptions: Record<number, string> = {
  400: 'The request is invalid',
  401: 'The request has no valid credential',
  403: 'The credential does not allow this',
  404: 'Nothing has this id',
  409: 'The present state does not allow the change',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not JSON',
  429: 'The address of the client is locked out, or a limit is reached',
  503: 'The service cannot answer at the moment. Try again later',
};

/** The 401 of a route that takes a bootstrap token is not about a key. */
const descriptionOf = (status: number, codes: readonly string[]) =>
  codes.every((code) => code === 'invalid_bootstrap_token')
    ? 'The bootstrap token is missing or invalid'
    : (descriptions[status] ?? '');

const header = (description: string, example: string) => ({
  description,
  required: true,
  schema: { type: 'string' as const },
  example,
});

function declaredHeaders(status: number) {
  if (status === 401) {
    return {
      'WWW-Authenticate': header(
        'The scheme of the credential, as in RFC 6750, section 3',
        'Bearer realm="keyhearth"',
      ),
    };
  }
  if (status === 429) return { 'Retry-After': header('Seconds to wait before you try again', '300') };
  if (status === 503) return { 'Retry-After': header('Seconds to wait before you try again', '5') };
  return undefined;
}

/** The failures of each route with authentication, before its handler runs. */
export const authenticationCodes = [
  'conflicting_api_keys',
  'no_api_key_configured',
  'api_key_required',
  'invalid_api_key',
  'too_many_failed_attempts',
] as const;

/** The failures of each route that needs a scope, before its handler runs. */
export const guardCodes = [...authenticationCodes, 'insufficient_scope'] as const;

/** The failures of each route with a JSON body, before its handler runs. */
export const bodyCodes = ['malformed_request', 'body_too_large', 'unsupported_media_type'] as const;

/** A refusal by validation, with an example of a field. */
export const invalid = (path: string, message: string): Failure => ({
  code: 'invalid_request',
  errors: [{ path, message }],
});

/** The declared failures of a route, by status, with an example for each code. */
export function problemResponses(...failures: (keyof typeof samples | Failure)[]) {
  const examples = new Map<number, Record<string, { value: object }>>();
  for (const failure of failures) {
    const { document } = describeProblem(typeof failure === 'string' ? samples[failure] : failure);
    const ofStatus = examples.get(document.status) ?? {};
    examples.set(document.status, { ...ofStatus, [document.code]: { value: document } });
  }
  const declared = [...examples].map(([status, ofStatus]) => {
    const headers = declaredHeaders(status);
    return [
      status,
      {
        description: descriptionOf(status, Object.keys(ofStatus)),
        ...(headers && { headers }),
        content: { [PROBLEM_TYPE]: { schema: ProblemSchema, examples: ofStatus } },
      },
    ] as const;
  });
  return {
    ...Object.fromEntries(declared),
    '4XX': anyOther({ code: 'method_not_allowed', allow: ['GET', 'HEAD'] }),
    '5XX': anyOther({ code: 'internal_error' }),
  };
}

const anyOther = (failure: Failure) => ({
  description: 'Any other failure',
  content: { [PROBLEM_TYPE]: { schema: ProblemSchema, example: describeProblem(failure).document } },
});

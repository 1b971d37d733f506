import { z } from '@hono/zod-openapi';
import { describeLaravel } from '../../http/dialects/laravel.ts';
import type { Failure } from '../../lib/failure.ts';

/** The failures of a route of this API, for OpenAPI. */

const MessageSchema = z
  .object({
    message: z.string().openapi({ description: 'A sentence for a person', example: 'Unauthenticated.' }),
    requires_2fa: z.literal(true).optional().openapi({
      description: 'Present when the request needs two-factor authentication',
    }),
  })
  .openapi('ProxyHatError', { description: 'An error of the ProxyHat API' });

const ValidationSchema = z
  .object({
    success: z.literal(false).openapi({ description: 'Always false' }),
    payload: z.null().openapi({ description: 'Always null' }),
    errors: z.record(z.string(), z.array(z.string())).openapi({
      description: 'The invalid fields, and what is wrong with each',
      example: { email: ['The email field is required.'] },
    }),
    description: z.string().openapi({ description: 'Always the same text', example: 'Validation failed' }),
  })
  .openapi('ProxyHatValidationError', { description: 'A refusal by validation of the ProxyHat API' });

const descriptions: Record<number, string> = {
  400: 'The request is malformed',
  401: 'The request has no valid credential, or the sign-in failed',
  403: 'The credential does not allow this',
  404: 'Nothing has this id',
  409: 'The present state does not allow the change',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not JSON',
  422: 'A field is invalid',
  429: 'The client or the e-mail address is locked out',
  503: 'The service cannot answer at the moment. Try again later',
};

const header = (description: string, example: string) => ({
  description,
  required: true,
  schema: { type: 'string' as const },
  example,
});

const declaredHeaders: Record<number, Record<string, ReturnType<typeof header>>> = {
  401: { 'WWW-Authenticate': header('The scheme of the credential', 'Bearer realm="keyhearth"') },
  429: {
    'Retry-After': header('Seconds to wait before you try again', '300'),
    'X-RateLimit-Limit': header('How many failed attempts are allowed', '5'),
    'X-RateLimit-Remaining': header('How many of them are left: none', '0'),
  },
  503: { 'Retry-After': header('Seconds to wait before you try again', '5') },
};

const LOCKOUT_ATTEMPTS = 5;

/** The failures of each route with authentication. */
export const guardFailures: readonly Failure[] = [
  { code: 'conflicting_api_keys' },
  { code: 'invalid_session' },
  { code: 'two_factor_setup_required' },
  { code: 'too_many_failed_attempts', retryAfter: 300 },
];

/** The failures of each route with a JSON body. */
export const bodyFailures: readonly Failure[] = [
  { code: 'malformed_request', reason: 'body_not_json' },
  { code: 'body_too_large', limitBytes: 64 * 1024 },
  { code: 'unsupported_media_type', reason: 'not_json' },
];

/** A refusal by validation, with an example of a field. */
export const invalid = (path: string, message: string): Failure => ({
  code: 'invalid_request',
  errors: [{ path, message }],
});

export const busy: Failure = { code: 'database_busy', reason: 'other_change', retryAfter: 1 };
export const overloaded: Failure = { code: 'overloaded', reason: 'hashing', retryAfter: 5 };

const contentOf = (status: number, content: object) => ({
  'application/json': { schema: status === 422 ? ValidationSchema : MessageSchema, ...content },
});

/** The declared failures of a route, by status, with an example for each code. */
export function failureResponses(...failures: Failure[]) {
  const examples = new Map<number, Record<string, { value: object }>>();
  for (const failure of failures) {
    const { status, body } = describeLaravel(failure, LOCKOUT_ATTEMPTS);
    examples.set(status, { ...examples.get(status), [failure.code]: { value: body } });
  }
  const declared = [...examples].map(([status, ofStatus]) => {
    const headers = declaredHeaders[status];
    return [
      status,
      {
        description: descriptions[status] ?? '',
        ...(headers && { headers }),
        content: contentOf(status, { examples: ofStatus }),
      },
    ] as const;
  });
  return {
    ...Object.fromEntries(declared),
    '4XX': anyOther({ code: 'method_not_allowed', allow: ['POST'] }),
    '5XX': anyOther({ code: 'internal_error' }),
  };
}

const anyOther = (failure: Failure) => {
  const { status, body } = describeLaravel(failure, LOCKOUT_ATTEMPTS);
  return { description: 'Any other failure', content: contentOf(status, { example: body }) };
};

import { STATUS_CODES as titles } from 'node:http';
import { z } from '@hono/zod-openapi';
import { type ErrorCode, type FieldError, statusOfCode } from '../lib/errors.ts';
import { internalError, PROBLEM_TYPE } from './problem.ts';

/** How OpenAPI names the ways to present a key. `X-API-Key` is a third, for clients that send it by habit. */
export const securitySchemes = {
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Proxbox-API-Key',
    description: 'The raw key. `X-API-Key` is accepted in the same way.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'The raw key as a bearer token.' },
} as const;

/** For a route behind the guard. */
export const guarded = [{ apiKey: [] }, { bearer: [] }];

/** For a route that is listed as open. */
export const open: [] = [];

export const ProblemSchema = z
  .object({
    type: z.string().openapi({ example: 'about:blank' }),
    title: z.string().openapi({ description: 'The phrase of the status', example: 'Unauthorized' }),
    status: z.int().openapi({ example: 401 }),
    detail: z.string().openapi({ description: 'A sentence for a person' }),
    code: z
      .enum(Object.keys(statusOfCode) as [ErrorCode, ...ErrorCode[]])
      .openapi({ description: 'Stable, for programs' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'What was wrong with which field of the request' }),
  })
  .openapi('Problem', { description: 'RFC 9457 problem details' });

/** What `detail` says for each code that a declared response can carry. */
const exampleDetails: Partial<Record<ErrorCode, string>> = {
  malformed_request: 'The request body is not valid JSON.',
  conflicting_api_keys: 'The request carries different API keys. Send one key, in one header.',
  no_api_key_configured:
    'No API key configured. Register a key via POST /auth/register-key or use an existing key.',
  api_key_required: 'API key required. 5 attempts remaining.',
  invalid_api_key: 'Invalid API key. 4 attempts remaining.',
  invalid_bootstrap_token: 'Invalid bootstrap token. 4 attempts remaining.',
  api_key_not_found: 'API key not found.',
  api_key_already_configured: 'An API key is already configured.',
  last_active_api_key_required:
    'This is the last active API key that can manage keys. Create or activate another one first.',
  body_too_large: 'The request body is larger than 64 KiB.',
  unsupported_media_type: 'The request body must be JSON: send the header Content-Type: application/json.',
  too_many_failed_attempts: 'Too many failed authentication attempts. Please try again later.',
  overloaded: 'Too many keys are being hashed at the moment. Try again in a few seconds.',
  database_busy: 'The database is busy with another change. Try again in a moment.',
  database_unavailable: 'The database cannot be read.',
};

const descriptions: Record<number, string> = {
  400: 'The request is not valid',
  401: 'No valid key was presented',
  404: 'There is no such key',
  409: 'The state of the keys does not allow it',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not JSON',
  429: 'The address is locked out',
  503: 'Too busy at the moment',
};

const header = (description: string, example: string) => ({
  description,
  required: true,
  schema: { type: 'string' as const },
  example,
});

function headersOf(status: number) {
  if (status === 401) {
    return { 'WWW-Authenticate': header('RFC 6750, section 3', 'Bearer realm="keyhearth"') };
  }
  if (status === 429) return { 'Retry-After': header('Seconds until the lockout ends', '300') };
  if (status === 503) return { 'Retry-After': header('Seconds to wait', '5') };
  return undefined;
}

/** What the guard can answer before a route is reached. */
export const guardCodes = [
  'conflicting_api_keys',
  'no_api_key_configured',
  'api_key_required',
  'invalid_api_key',
  'too_many_failed_attempts',
] as const satisfies ErrorCode[];

/** What a route with a JSON body can answer before its handler is reached. */
export const bodyCodes = [
  'malformed_request',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies ErrorCode[];

type Example = { code: ErrorCode; detail?: string | undefined; errors?: FieldError[] };

/** A refusal by validation, with the field of the route that shows it best. */
export const invalid = (path: string, message: string): Example => ({
  code: 'invalid_request',
  detail: message.endsWith('.') ? message : `${path} ${message}.`,
  errors: [{ path, message }],
});

/** The declared error responses of a route, by status, with an example for each code. */
export function problemResponses(...refusals: (ErrorCode | Example)[]) {
  const byStatus = new Map<number, Example[]>();
  for (const refusal of refusals) {
    const example =
      typeof refusal === 'string' ? { code: refusal, detail: exampleDetails[refusal] } : refusal;
    const status = statusOfCode[example.code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), example]);
  }
  const declared = [...byStatus].map(([status, ofStatus]) => {
    const examples = Object.fromEntries(
      ofStatus.map(({ code, ...rest }) => [
        code,
        { value: { type: 'about:blank', title: titles[status], status, ...rest, code } },
      ]),
    );
    const headers = headersOf(status);
    return [
      status,
      {
        description: descriptions[status] ?? '',
        ...(headers && { headers }),
        content: { [PROBLEM_TYPE]: { schema: ProblemSchema, examples } },
      },
    ] as const;
  });
  return {
    ...Object.fromEntries(declared),
    '4XX': anyOther(405, 'method_not_allowed', 'This path answers GET, HEAD only.'),
    '5XX': anyOther(500, 'internal_error', internalError.detail),
  };
}

const anyOther = (status: number, code: ErrorCode, detail: string) => ({
  description: 'Any other failure',
  content: {
    [PROBLEM_TYPE]: {
      schema: ProblemSchema,
      example: { type: 'about:blank', title: titles[status], status, detail, code },
    },
  },
});

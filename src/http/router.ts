import { OpenAPIHono } from '@hono/zod-openapi';
import type { z } from 'zod';
import type { FieldError } from '../lib/errors.ts';
import type { HttpEnv } from './env.ts';
import { problemResponse } from './problem.ts';

/** A router whose validation errors are problem documents. */
export function createRouter(): OpenAPIHono<HttpEnv> {
  return new OpenAPIHono<HttpEnv>({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const errors = result.error.issues.flatMap(describeIssue).slice(0, MAX_ERRORS);
      const detail = errors.map(toSentence).join(' ');
      return problemResponse(c, { code: 'invalid_request', detail, errors });
    },
  });
}

/** Enough to mend a request by; a body full of rubbish is not answered with as much. */
const MAX_ERRORS = 20;

/** Long enough for any name of ours; what a caller invents is not echoed at length. */
const MAX_ECHO = 64;

/** Never tells a value, only where it stood and what it should have been. */
function describeIssue(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key.slice(0, MAX_ECHO)].map(String).join('.'),
      message: 'is not a known field',
    }));
  }
  return [
    {
      path,
      message: issue.message.replace(
        /^Invalid input: expected (\w+), received (\w+)$/,
        'must be of type $1, not $2',
      ),
    },
  ];
}

/** A message that is a sentence stands alone; any other follows the name of its field. */
const toSentence = ({ path, message }: FieldError) =>
  message.endsWith('.') ? message : `${path === '' ? 'The request body' : path} ${message}.`;

/**
 * Answers 405 with `Allow` on every path of the room for the methods that no route of it takes. To be called when all
 * routes are registered; it stands with the room, so that an open room's 405 is open and a guarded room's is guarded.
 */
export function refuseOtherMethods(router: OpenAPIHono<HttpEnv>): void {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of router.routes) {
    if (method === 'ALL') continue;
    const allowed = methods.get(path) ?? new Set();
    allowed.add(method);
    if (method === 'GET') allowed.add('HEAD');
    methods.set(path, allowed);
  }
  for (const [path, allowed] of methods) {
    const allow = [...allowed].sort();
    router.all(path, (c) =>
      problemResponse(c, {
        code: 'method_not_allowed',
        detail: `This path answers ${allow.join(', ')} only.`,
        allow,
      }),
    );
  }
}

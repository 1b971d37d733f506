import { OpenAPIHono } from '@hono/zod-openapi';
import type { z } from 'zod';
import { DomainError, type FieldError } from '../lib/failure.ts';
import type { HttpEnv } from './context.ts';

/** A router whose routes throw a DomainError `invalid_request` for a request that their schemas refuse. */
export const createRouter = () =>
  new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.flatMap(describeIssue).slice(0, MAX_ERRORS);
      throw new DomainError({ code: 'invalid_request', errors });
    },
  });

/** Enough to fix a request by; a body full of errors gets no answer of the same size. */
const MAX_ERRORS = 20;

/** Longer than any name of ours. What a caller invents is not repeated at length. */
const MAX_ECHO = 64;

/** Never repeats a value, only where it was and what it should have been. */
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

type Routes = { routes: readonly { method: string; path: string }[] };

/** The methods of each path. A path that answers GET answers HEAD too. */
export function methodsByPath({ routes }: Routes): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of routes) {
    if (method === 'ALL') continue;
    const ofPath = methods.get(path) ?? new Set();
    ofPath.add(method);
    if (method === 'GET') ofPath.add('HEAD');
    methods.set(path, ofPath);
  }
  return methods;
}

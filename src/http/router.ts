import { OpenAPIHono } from '@hono/zod-openapi';
import type { z } from 'zod';
import { DomainError, type Failure, type FieldError } from '../lib/failure.ts';
import type { HttpEnv } from './context.ts';

/**
 * A router whose routes throw a DomainError `invalid_request` for a request that their schemas refuse.
 * @param hints what to say about fields of a body that the schemas do not have and a client may expect
 */
export const createRouter = (hints: ReadonlyMap<string, string> = new Map()) =>
  new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const nameUnknown = (name: string, isTop: boolean) => {
        if (result.target === 'query') return 'is not a known parameter';
        return (isTop && hints.get(name)) || 'is not a known field';
      };
      throw new DomainError(invalidRequest(result.error, nameUnknown));
    },
  });

/** The failure of a request that a schema refuses. */
export const invalidRequest = (
  { issues }: Pick<z.ZodError, 'issues'>,
  nameUnknown: Parameters<typeof describeIssue>[1] = () => 'is not a known field',
): Failure => ({
  code: 'invalid_request',
  errors: issues.flatMap((issue) => describeIssue(issue, nameUnknown)).slice(0, MAX_ERRORS),
});

/** Enough errors to fix a request. A large body full of errors must not get a large answer. */
const MAX_ERRORS = 20;

/** All our names are shorter. Longer names from the client are cut. */
const MAX_ECHO = 64;

/** Says where a value is wrong and what it must be. It never repeats the value. */
function describeIssue(
  issue: z.core.$ZodIssue,
  nameUnknown: (name: string, isTop: boolean) => string,
): FieldError[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key.slice(0, MAX_ECHO)].map(String).join('.'),
      message: nameUnknown(key, issue.path.length === 0),
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

/** `/keys/{id}` as `/keys/:id`. */
export const honoPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1');

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

import type { TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { classify } from '../../http/failures.ts';
import { invalidRequest } from '../../http/router.ts';
import { DomainError, type Failure } from '../../lib/failure.ts';

/** What tRPC itself refuses. Its own sentence is sent, which names the procedure. */
const ofProtocol: Partial<Record<TRPCError['code'], Failure>> = {
  NOT_FOUND: { code: 'not_found' },
  METHOD_NOT_SUPPORTED: { code: 'method_not_allowed', allow: [] },
  UNSUPPORTED_MEDIA_TYPE: { code: 'unsupported_media_type', reason: 'not_json' },
};

const badRequest = (path: string, message: string): Failure => ({
  code: 'invalid_request',
  errors: [{ path, message }],
});

/** The failure that an error of tRPC means. `isProtocol`: the error is one of tRPC itself. */
export function failureIn(error: TRPCError): { failure: Failure; isExpected: boolean; isProtocol: boolean } {
  const { cause, code } = error;
  const made = (failure: Failure) => ({ failure, isExpected: true, isProtocol: false });
  if (cause instanceof DomainError) return { ...classify(cause), isProtocol: false };
  if (cause instanceof ZodError) return made(invalidRequest(cause));
  const failure = ofProtocol[code];
  if (failure) return { failure, isExpected: true, isProtocol: true };
  if (code === 'INTERNAL_SERVER_ERROR') return { ...classify(cause ?? error), isProtocol: false };
  if (cause instanceof URIError) return made(badRequest('', 'The path must be percent-encoded.'));
  // The error of a parser repeats a part of the input.
  if (cause) return made(badRequest('input', 'must be JSON, as it is or in the form of superjson'));
  return made(badRequest('', error.message.endsWith('.') ? error.message : `${error.message}.`));
}

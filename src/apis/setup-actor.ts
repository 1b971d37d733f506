import type { Authentication } from '../auth/authenticate.ts';
import type { HttpContext } from '../http/context.ts';
import { DomainError, type FailureCode } from '../lib/failure.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Actor, KeyPrincipal } from '../lib/principal.ts';

/** A request without a key may be the very first one. */
const WITHOUT_KEY: readonly FailureCode[] = ['no_api_key_configured', 'api_key_required'];

/**
 * The key of a request that sets the service up; undefined without one. An open route decides by itself whether it needs one.
 * @throws DomainError for a key that is wrong
 */
export async function setupActor(
  { var: { client, requestId, api = 'core' } }: HttpContext,
  authentication: MaybePromise<Authentication<KeyPrincipal>>,
): Promise<Actor | undefined> {
  const result = await authentication;
  if (result.state === 'authenticated') return { principal: result.principal, api, ...client, requestId };
  if (WITHOUT_KEY.includes(result.failure.code)) return undefined;
  throw new DomainError(result.failure);
}

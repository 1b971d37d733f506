import { createMiddleware } from 'hono/factory';
import type { BootstrapService } from '../bootstrap/service.ts';
import type { HttpContext, HttpEnv } from '../http/context.ts';
import { BOOTSTRAP_TOKEN_HEADER } from '../http/headers.ts';
import { DomainError } from '../lib/failure.ts';
import type { Lockout } from '../lockout/lockout.ts';

/**
 * Makes a check for open routes that set the service up: it refuses a request when the bootstrap token is missing or wrong.
 * @param assertOpen throws when the set-up is over
 */
export const checkBootstrap = (
  bootstrap: BootstrapService,
  lockout: Lockout,
  assertOpen: () => Promise<void>,
) => {
  async function check(c: HttpContext): Promise<void> {
    await assertOpen();
    if (!bootstrap.needsToken) return;
    const token = c.req.header(BOOTSTRAP_TOKEN_HEADER);
    if (!token) throw invalidToken({ isMissing: true });
    const isValid = bootstrap.isToken(token);
    const attempt = { address: c.var.client.lockoutKey, credential: token };
    const recorded = lockout.record(attempt, isValid ? 'valid' : 'invalid');
    if (recorded.state === 'locked') {
      throw new DomainError({ code: 'too_many_failed_attempts', retryAfter: recorded.retryAfter });
    }
    if (!isValid) throw invalidToken({ isMissing: false, remaining: recorded.remaining });
  }
  return createMiddleware<HttpEnv>(async (c, next) => {
    await bootstrap.recordingRefusal(bootstrapRequestOf(c), () => check(c));
    return next();
  });
};

export const bootstrapRequestOf = ({ var: { client, requestId } }: HttpContext) => ({
  address: client.address,
  requestId,
});

const invalidToken = ({ isMissing, remaining }: { isMissing: boolean; remaining?: number | undefined }) =>
  new DomainError({ code: 'invalid_bootstrap_token', isMissing, remaining });

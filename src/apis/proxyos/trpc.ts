import { initTRPC } from '@trpc/server';
import superjson from 'superjson';
import { actorOf, type HttpContext } from '../../http/context.ts';
import { isCrossSite } from '../../http/cross-site.ts';
import { describeTrpcError } from '../../http/dialects/trpc.ts';
import { DomainError } from '../../lib/failure.ts';
import { failureIn } from './errors.ts';
import { lacks, type Need } from './needs.ts';
import { serialize } from './serialize.ts';

/** What a procedure gets of the request. All calls of a batch share it. */
export type TrpcContext = Readonly<{ c: HttpContext }>;

/** What a procedure says of itself. `assertProcedures` refuses one that does not. */
export type TrpcMeta = Readonly<{ needs: Need }>;

/** superjson turns any other value into `undefined` in silence. */
const isWrapped = (value: unknown): value is Parameters<typeof superjson.deserialize>[0] =>
  typeof value === 'object' &&
  value !== null &&
  'json' in value &&
  Object.keys(value).every((name) => name === 'json' || name === 'meta');

const t = initTRPC
  .context<TrpcContext>()
  .meta<TrpcMeta>()
  .create({
    isDev: false,
    sse: { enabled: false },
    transformer: {
      input: {
        serialize: superjson.serialize,
        // People with curl send JSON as it is.
        deserialize: (value: unknown) => (isWrapped(value) ? superjson.deserialize(value) : value),
      },
      output: { serialize, deserialize: superjson.deserialize },
    },
    errorFormatter({ error, shape, path }) {
      const { failure, isProtocol } = failureIn(error);
      const { message, code, data } = isProtocol ? shape : describeTrpcError(failure).error;
      const { code: name, httpStatus } = data;
      return { message, code, data: { code: name, httpStatus, ...(path !== undefined && { path }) } };
    },
  });

export const { router } = t;

function refuse(failure: ConstructorParameters<typeof DomainError>[0] | undefined): void {
  if (failure) throw new DomainError(failure);
}

/** A procedure for those who have what it needs. */
export const procedure = (needs: Exclude<Need, 'nobody'>) =>
  t.procedure.meta({ needs }).use(({ ctx, next }) => {
    const actor = actorOf(ctx.c);
    refuse(lacks(actor.principal, needs));
    return next({ ctx: { actor } });
  });

/** A procedure that needs no credential. It is not for pages of other sites, and not for a locked address. */
export const openProcedure = t.procedure.meta({ needs: 'nobody' }).use(({ ctx: { c }, next }) => {
  const { refusal } = c.var;
  if (refusal?.code === 'too_many_failed_attempts') refuse(refusal);
  if (isCrossSite(c.env.incoming)) refuse({ code: 'cross_site_request' });
  return next();
});

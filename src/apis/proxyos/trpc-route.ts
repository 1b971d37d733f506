import type { AnyTRPCRouter } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { HttpContext } from '../../http/context.ts';
import { describeTrpcError } from '../../http/dialects/trpc.ts';
import { failureOf } from '../../http/failures.ts';
import type { Logger } from '../../lib/logger.ts';
import { failureIn } from './errors.ts';
import type { TrpcMeta } from './trpc.ts';

export const ENDPOINT = '/api/trpc';

/** Each call of a batch can take as long as a request. */
const MAX_BATCH = 100;

/** @throws Error when a procedure does not say what it needs: everybody could call it */
export function assertProcedures({ _def: { procedures } }: AnyTRPCRouter): void {
  for (const [path, { _def }] of Object.entries<{ _def: { meta?: Partial<TrpcMeta> } }>(procedures))
    if (_def.meta?.needs === undefined) throw new Error(`${path} does not say what it needs`);
}

/** HEAD is a GET without the body. A body that is empty is no body, so it needs no type. */
function requestFor({ req: { raw, url } }: HttpContext): Request {
  const { method, headers } = raw;
  if (method === 'HEAD') return new Request(url, { headers });
  if (method !== 'POST' || raw.body !== null) return raw;
  const typed = new Headers(headers);
  typed.set('Content-Type', 'application/json');
  return new Request(url, { method, headers: typed });
}

/** Makes the handler of all procedures. @throws Error for a router that `assertProcedures` refuses */
export function trpcRoute(router: AnyTRPCRouter, logger: Logger) {
  assertProcedures(router);
  return async (c: HttpContext): Promise<Response> => {
    const answer = await fetchRequestHandler({
      endpoint: ENDPOINT,
      req: requestFor(c),
      router,
      maxBatchSize: MAX_BATCH,
      createContext: () => ({ c }),
      onError({ error }) {
        const { failure, isExpected } = failureIn(error);
        c.set('failureCode', failure.code);
        if (!isExpected) failureOf(error.cause ?? error, logger, c.var.requestId);
      },
      responseMeta({ errors }) {
        const all = errors.map(failureIn).filter(({ isProtocol }) => !isProtocol);
        return {
          headers: Object.assign({}, ...all.map(({ failure }) => describeTrpcError(failure).headers)),
        };
      },
    });
    // tRPC would stream some batches. But a sign-in sets a cookie, and that needs the end of all calls.
    const { 'transfer-encoding': _, ...sent } = Object.fromEntries(answer.headers);
    // It sends no type with an error that it finds before the calls.
    const headers = { ...sent, 'content-type': 'application/json' };
    const status = answer.status as ContentfulStatusCode;
    return c.body(await answer.text(), status, headers);
  };
}

import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { FailureCode } from '../lib/failure.ts';
import type { Actor, Principal } from '../lib/principal.ts';
import type { Client } from './client-address.ts';
import type { Dialect } from './dialect.ts';

/** The variables of a request that middleware sets. */
export type HttpEnv = {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    client: Client;
    /** The dialect for failures. The API sets it. */
    dialect?: Dialect;
    /** The request matches a route that needs no credential. */
    isOpen?: true;
    /** The request asks whether its own key is valid. The route counts that, and it is no other use of the key. */
    isVerification?: true;
    /** Who the request acts for; absent on open routes and on refusals. */
    principal?: Principal;
    /** Why the request was refused; absent when it was not. */
    failureCode?: FailureCode;
    /** A route that is called very often sets this. */
    logAtDebug?: true;
  };
};

export type HttpContext = Context<HttpEnv>;

/** Who a guarded route acts for. */
export function principalOf({ var: { principal } }: HttpContext): Principal {
  if (!principal) throw new Error('a guarded route was reached without a principal');
  return principal;
}

/** Who makes a change, for a guarded route. */
export function actorOf(c: HttpContext): Actor {
  const { client, requestId } = c.var;
  return { principal: principalOf(c), address: client.address, ip: client.ip, requestId };
}

/** Reads a header by its name in lower case. The server makes Node join all its lines by ", ". */
export const headerReader =
  ({ headers }: IncomingMessage) =>
  (name: string): string | undefined =>
    headers[name]?.toString();

import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { DomainError, type Failure, type FailureCode } from '../lib/failure.ts';
import type { Actor, KeyPrincipal, Principal } from '../lib/principal.ts';
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
    /** The request may come from a locked address. */
    ignoresLockout?: true;
    /** The API of the request; the core API when it is absent. */
    api?: Actor['api'];
    /** Only the key of the request counts, and the session of a person does not. */
    ignoresSessions?: true;
    /** The request asks whether its own key is valid. The route counts that, and it is no other use of the key. */
    isVerification?: true;
    /** Why the authentication refused the request, in an API whose routes decide who needs a credential. */
    refusal?: Failure;
    /** Who the request acts for; absent on open routes and on refusals. */
    principal?: Principal;
    /** Which management secret of the gateway the request carries. */
    managedBy?: string;
    /** Why the request was refused; absent when it was not. */
    failureCode?: FailureCode;
    /** A route that is called very often sets this. */
    logAtDebug?: true;
  };
};

export type HttpContext = Context<HttpEnv>;

/** Who a guarded route acts for. @throws DomainError when the authentication refused the request */
export function principalOf({ var: { principal, refusal } }: HttpContext): Principal {
  if (refusal) throw new DomainError(refusal);
  if (!principal) throw new Error('a guarded route was reached without a principal');
  return principal;
}

/** The key of a guarded route that ignores sessions. */
export function keyPrincipalOf(c: HttpContext): KeyPrincipal {
  const principal = principalOf(c);
  if (principal.kind !== 'key') throw new Error('a route for keys was reached with a session');
  return principal;
}

/** Who makes a change, for a guarded route. */
export function actorOf(c: HttpContext): Actor {
  const { client, requestId, api = 'core' } = c.var;
  return { principal: principalOf(c), api, ...client, requestId };
}

/** Reads a header by its name in lower case. The server makes Node join all its lines by ", ". */
export const headerReader =
  ({ headers }: IncomingMessage) =>
  (name: string): string | undefined =>
    headers[name]?.toString();

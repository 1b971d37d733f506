import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { ErrorCode } from '../lib/errors.ts';
import type { Client } from './client-address.ts';
import type { ReadHeader } from './credentials.ts';

/** Who is calling, as the guard has found. */
export type Principal = Readonly<{ id: number; label: string }>;

/** What the middleware of every request puts at the disposal of the rooms. */
export type HttpEnv = {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    client: Client;
    /** The key that opened the door; absent on open paths and on refusals. */
    key?: Principal;
    /** Why the request was refused; absent when it was not. */
    refusal?: ErrorCode;
    /** Set by a route whose answers are too many and too much alike for the usual log. */
    logAtDebug?: true;
  };
};

/** `server.ts` has Node join the lines of every header, so that none is dropped unseen. */
export const headersOf =
  ({ headers }: IncomingMessage): ReadHeader =>
  (name) =>
    headers[name]?.toString();

export type HttpContext = Context<HttpEnv>;

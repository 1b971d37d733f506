import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Client } from './client-address.ts';

/** What the middleware of every request puts at the disposal of the rooms. */
export type HttpEnv = {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    client: Client;
    /** The id of the key that opened the door; absent on open paths and on refusals. */
    keyId?: number;
  };
};

export type HttpContext = Context<HttpEnv>;

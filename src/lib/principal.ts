import type { KeyId, Scope } from './brand.ts';
import type { Address } from './network.ts';
import type { RateLimit } from './rate-limit.ts';

/**
 * Who a request acts for: a union by `kind`. Services get it as the actor of a change. It was valid when the request
 * began, so a change reads it again inside its transaction.
 */
export type Principal = KeyPrincipal;

export type KeyPrincipal = Readonly<{
  kind: 'key';
  id: KeyId;
  label: string;
  owner: string;
  scopes: readonly Scope[];
  rateLimits: readonly RateLimit[];
  /** The first key of its chain of rotations, or the key itself. The keys of a chain share their rate limits. */
  rootId: KeyId;
}>;

/** Who makes a change, and the request that asks for it. */
export type Actor = Readonly<{
  principal: Principal;
  /** The address of the client: canonical text, or "unknown". */
  address: string;
  /** The same address, parsed; undefined when it is not known. */
  ip: Address | undefined;
  requestId: string;
}>;

import type { KeyId } from './brand.ts';

/**
 * Who a request acts for: a union by `kind`. Services get it as the actor of a change. It was valid when the request
 * began, so a change checks it again inside its transaction.
 */
export type Principal = KeyPrincipal;

export type KeyPrincipal = Readonly<{ kind: 'key'; id: KeyId; label: string }>;

import type { Connection } from '../keys/prove.ts';
import type { KeyId } from '../lib/brand.ts';
import type { Failure } from '../lib/failure.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Address } from '../lib/network.ts';
import type { AccountPrincipal, KeyPrincipal, Principal } from '../lib/principal.ts';
import type { Outcome } from '../usage/outcome.ts';

/** Reads a header of a request by its name in lower case: all its lines joined by ", " (RFC 9110, section 5.3). */
export type ReadHeader = (name: string) => string | undefined;

/** The name of the target of a request for a `ReadHeader`, as in HTTP/2 (RFC 9113, section 8.3.1). */
export const TARGET = ':path';

/** Where a request comes from. */
export type Sender = Readonly<{
  /** The address that failed attempts count for; undefined when they do not count. */
  lockoutKey: string | undefined;
  /** The whole address; undefined when it is not known. */
  ip: Address | undefined;
}>;

/** How OpenAPI describes a way to present a credential (OpenAPI 3.1, security scheme object). */
export type SecurityScheme = Readonly<
  | { type: 'apiKey'; in: 'header' | 'cookie' | 'query'; name: string; description: string }
  | { type: 'http'; scheme: string; description: string }
>;

/** The key of an invalid credential, and why it is invalid. An unknown key has an id of its own. */
export type Judged = Readonly<{ id: KeyId; outcome: Outcome }>;

/** The result of verifying a credential. */
export type Verification<P extends Principal = Principal> =
  | { state: 'valid'; principal: P }
  /** The attempt counts as failed. */
  | { state: 'invalid'; judged?: Judged }
  /** The credential is valid, and this API does not take it. The attempt does not count. */
  | { state: 'unsuitable' }
  /** No credential of this kind exists, so nobody can guess one. The attempt does not count. */
  | { state: 'unconfigured' }
  /** A credential of this kind is not accepted, and was not verified. The attempt does not count. */
  | { state: 'not_accepted'; failure: Failure }
  /** Only a part of the slow comparison is done. The next request with the credential continues. It counts once. */
  | { state: 'undecided' }
  /** Only a slow comparison can decide. `client` waits for it. */
  | {
      state: 'unproven';
      prove: (client: string | undefined, connection?: Connection) => Promise<Verification<P>>;
    };

/** One kind of credential: how to find it in a request, and how to verify it. */
export type Authenticator = KeyAuthenticator | AccountAuthenticator;

/** The credential of a person: a session or an access token. Nobody can guess one, so attempts do not count. */
export type AccountAuthenticator = Pick<KeyAuthenticator, 'schemes' | 'read'> & {
  kind: 'account';
  /** The name of the cookie that carries it; absent for a header. */
  cookie?: string;
  /** @returns undefined for a credential that is unknown or over */
  verify(credential: string): MaybePromise<AccountPrincipal | undefined>;
};

/** A credential that belongs to a key. The lockout counts attempts. */
export type KeyAuthenticator = {
  kind: 'key';
  /** The ways to send this kind of credential, by their names in OpenAPI. */
  schemes: Readonly<Record<string, SecurityScheme>>;
  /** All credentials of this kind in a request. If there are none, the next authenticator decides. */
  read(header: ReadHeader): readonly string[];
  /** Of several different credentials in one request, one that is valid is enough. Otherwise they are a conflict. */
  takesAny?: true;
  /** @param ip the address that presents it; undefined when it is not known */
  verify(credential: string, ip: Address | undefined): MaybePromise<Verification<KeyPrincipal>>;
  /** Whether any credential of this kind is usable. */
  isConfigured(): MaybePromise<boolean>;
};

import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Principal } from '../lib/principal.ts';

/** Reads a header of a request by its name in lower case: all its lines joined by ", " (RFC 9110, section 5.3). */
export type ReadHeader = (name: string) => string | undefined;

/** How OpenAPI describes a way to present a credential (OpenAPI 3.1, security scheme object). */
export type SecurityScheme = Readonly<
  | { type: 'apiKey'; in: 'header' | 'cookie'; name: string; description: string }
  | { type: 'http'; scheme: string; description: string }
>;

/** The result of verifying a credential. */
export type Verification =
  | { state: 'valid'; principal: Principal }
  /** It counts as a failed attempt. */
  | { state: 'invalid' }
  /** No credential of this kind exists, so nothing was guessed. It does not count. */
  | { state: 'unconfigured' }
  /** Only an expensive comparison can tell. */
  | { state: 'unproven'; prove: () => Promise<Verification> };

/** One kind of credential: where it is in a request, and what it is worth. */
export type Authenticator = {
  /** By the name that OpenAPI refers to. Each is one way to present this kind of credential. */
  schemes: Readonly<Record<string, SecurityScheme>>;
  /** All credentials of this kind in a request. None means "not mine". */
  read(header: ReadHeader): readonly string[];
  verify(credential: string): MaybePromise<Verification>;
  /** Whether any credential of this kind is usable. */
  isConfigured(): MaybePromise<boolean>;
  /** Called when a credential of the principal lets a request through. */
  onAccepted(principal: Principal): void;
};

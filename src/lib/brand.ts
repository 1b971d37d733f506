declare const brand: unique symbol;

/** A value whose type has a name, so that the compiler refuses any other. At run time there is no name. */
type Brand<Value, Name extends string> = Value & { readonly [brand]: Name };

/** The id of an API key: a positive integer that the database never gives to another key. */
export type KeyId = Brand<number, 'KeyId'>;

/** An API key as a client sends it. It is never stored or logged. */
export type RawKey = Brand<string, 'RawKey'>;

/** HMAC-SHA-256 of a raw key under the pepper, as base64url: 43 characters. */
export type Fingerprint = Brand<string, 'Fingerprint'>;

/** What a key may do: `resource:action`, or a wildcard. See `keys/scopes.ts`. */
export type Scope = Brand<string, 'Scope'>;

/** The id of an audit event. Later events have larger ids. */
export type EventId = Brand<number, 'EventId'>;

/** The id of an account: a UUID. It is never given to another account. */
export type AccountId = Brand<string, 'AccountId'>;

/** The id of a session: a positive integer that the database never gives to another session. */
export type SessionId = Brand<number, 'SessionId'>;

/** The id of an invitation: a positive integer that the database never gives to another invitation. */
export type InvitationId = Brand<number, 'InvitationId'>;

export const KeyId = (id: number) => id as KeyId;
export const RawKey = (text: string) => text as RawKey;
export const Fingerprint = (digest: string) => digest as Fingerprint;
export const Scope = (text: string) => text as Scope;
export const AccountId = (uuid: string) => uuid as AccountId;
export const SessionId = (id: number) => id as SessionId;
export const InvitationId = (id: number) => id as InvitationId;
export const EventId = (id: number) => id as EventId;

declare const brand: unique symbol;

/** A value that cannot be passed where one of another name is expected, although both are the same at run time. */
type Brand<Value, Name extends string> = Value & { readonly [brand]: Name };

/** The id of an API key: a positive integer that the database never gives to another key. */
export type KeyId = Brand<number, 'KeyId'>;

/** An API key as a client presents it. Never stored and never logged. */
export type RawKey = Brand<string, 'RawKey'>;

/** HMAC-SHA-256 of a raw key under the pepper, as base64url: 43 characters. */
export type Fingerprint = Brand<string, 'Fingerprint'>;

export const KeyId = (id: number) => id as KeyId;
export const RawKey = (text: string) => text as RawKey;
export const Fingerprint = (digest: string) => digest as Fingerprint;

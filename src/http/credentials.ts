/** The keys that a request carries, in whichever of the three ways. */
export type Credentials =
  | { state: 'none' }
  | { state: 'presented'; rawKey: string }
  | { state: 'conflicting' };

export const KEY_HEADERS = ['X-Proxbox-API-Key', 'X-API-Key'] as const;

/**
 * Reads every key that a request presents. A header that was sent twice arrives joined by ", ", and since no key
 * contains a space, splitting there finds each. The same key twice is one key; two different ones are a conflict,
 * because a proxy in front may have looked at the other.
 * @param header the value of a header, all its lines joined by ", " (RFC 9110, section 5.3)
 */
export function readCredentials(header: (name: string) => string | undefined): Credentials {
  let rawKey: string | undefined;
  for (const presented of presentedKeys(header)) {
    if (rawKey !== undefined && presented !== rawKey) return { state: 'conflicting' };
    rawKey = presented;
  }
  return rawKey === undefined ? { state: 'none' } : { state: 'presented', rawKey };
}

function* presentedKeys(header: (name: string) => string | undefined): Generator<string> {
  for (const name of KEY_HEADERS) {
    const value = header(name);
    if (value) yield* nonEmpty(value);
  }
  const authorization = header('Authorization');
  if (!authorization) return;
  for (const credentials of nonEmpty(authorization)) {
    const bearer = /^bearer +(.+)$/i.exec(credentials);
    if (bearer?.[1]) yield bearer[1].trim();
  }
}

const nonEmpty = (value: string) => value.split(', ').filter((part) => part !== '');

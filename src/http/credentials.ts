/** Reads a header of a request by its name in lower case: all its lines joined by ", " (RFC 9110, section 5.3). */
export type ReadHeader = (name: string) => string | undefined;

/** The keys that a request carries, in whichever of the three ways. */
export type Credentials =
  | { state: 'none' }
  | { state: 'presented'; rawKey: string }
  | { state: 'conflicting' };

export const KEY_HEADERS = ['X-Proxbox-API-Key', 'X-API-Key'] as const;

const keyHeaders = KEY_HEADERS.map((name) => name.toLowerCase());

/**
 * Reads every key that a request presents. A header that was sent twice arrives joined by ", ", and since no key
 * contains a space, splitting there finds each. The same key twice is one key; two different ones are a conflict,
 * because a proxy in front may have looked at the other.
 */
export function readCredentials(header: ReadHeader): Credentials {
  let rawKey: string | undefined;
  let isConflicting = false;
  function present(key: string): void {
    isConflicting ||= rawKey !== undefined && key !== rawKey;
    rawKey = key;
  }
  for (const name of keyHeaders) forEachLine(header(name), present);
  forEachLine(header('authorization'), (credentials) => {
    const bearer = /^bearer +(.+)$/i.exec(credentials);
    if (bearer?.[1]) present(bearer[1].trim());
  });
  if (isConflicting) return { state: 'conflicting' };
  return rawKey === undefined ? { state: 'none' } : { state: 'presented', rawKey };
}

function forEachLine(value: string | undefined, visit: (line: string) => void): void {
  if (!value) return;
  for (const line of value.split(', ')) if (line !== '') visit(line);
}

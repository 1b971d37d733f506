/** The headers whose whole value is a key. `Authorization: Bearer` is the third way to send one. */
const KEY_HEADERS = ['X-Proxbox-API-Key', 'X-API-Key'];

/** The different keys of a request. A header that a client sends twice arrives joined by ", ", and no key has a space. */
export function keysIn(header: (name: string) => string | undefined): string[] {
  const whole = KEY_HEADERS.flatMap((name) => valuesOf(header(name)));
  const bearer = valuesOf(header('Authorization')).flatMap((value) => {
    const [, token] = /^bearer +(.+)$/i.exec(value) ?? [];
    return token === undefined ? [] : [token.trim()];
  });
  return [...new Set([...whole, ...bearer])];
}

const valuesOf = (value = '') => value.split(', ').filter((each) => each !== '');

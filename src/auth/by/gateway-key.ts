import { KEY_HEADERS, KEY_PARAMETERS } from '../../upstreams/carriers.ts';
import { type KeyAuthenticator, type ReadHeader, TARGET } from '../authenticator.ts';

/** Makes the authenticator of the gateway: API keys in all ways in which the clients of model providers send one. */
export const gatewayKeyAuthenticator = (keys: KeyAuthenticator): KeyAuthenticator => ({
  ...keys,
  schemes: {},
  takesAny: true,
  read: readGatewayKeys,
  // Keys are needed whenever this is asked, so a request without one lacks it.
  isConfigured: () => true,
});

/** Every key in a request. When a client sends a header twice, its values arrive joined by ", ". A key contains no space. */
export function readGatewayKeys(header: ReadHeader): string[] {
  const keys: string[] = [];
  const authorization = header('authorization');
  if (authorization) for (const line of authorization.split(', ')) pushToken(keys, line.trim());
  for (const name of KEY_HEADERS) {
    const value = header(name);
    if (value) for (const line of value.split(', ')) if (line !== '') keys.push(line);
  }
  const target = header(TARGET);
  const query = target?.indexOf('?') ?? -1;
  if (target !== undefined && query >= 0) pushParameters(keys, target.slice(query + 1));
  return keys;
}

const BEARER = /^bearer +(\S.*)$/i;

/** `Bearer` and a key, or the key alone. What contains another space is of another scheme. */
function pushToken(keys: string[], line: string): void {
  const key = BEARER.exec(line)?.[1] ?? line;
  if (key !== '' && !key.includes(' ') && key.toLowerCase() !== 'bearer') keys.push(key);
}

/** Decodes the names too: `k%65y` is `key`. */
function pushParameters(keys: string[], query: string): void {
  const parameters = new URLSearchParams(query);
  for (const name of KEY_PARAMETERS)
    for (const key of parameters.getAll(name)) if (key !== '') keys.push(key);
}

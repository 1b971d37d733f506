import { Agent, request } from 'node:http';

export type Answered = { status: number; json: Record<string, unknown> & { id?: number; raw_key?: string } };

/** Sends requests over connections that are kept. Rejects when one breaks before its answer. */
export function caller(origin: string) {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true });
  return (method: string, path: string, key?: string, body?: object): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const outgoing = request(
        {
          ...{ hostname, port, agent, method, path },
          headers: {
            ...(key !== undefined && { 'X-API-Key': key }),
            ...(text !== undefined && { 'Content-Type': 'application/json' }),
          },
        },
        (incoming) => {
          let received = '';
          incoming.on('data', (chunk) => {
            received += chunk;
          });
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, json: received === '' ? {} : JSON.parse(received) }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
}

export type Caller = ReturnType<typeof caller>;

export const FIRST_KEY = 'the-first-key-of-a-cluster-0123456789';

/** Registers the first key. */
export async function register(call: Caller): Promise<void> {
  const { status } = await call('POST', '/auth/register-key', undefined, {
    api_key: FIRST_KEY,
    label: 'first',
  });
  if (status !== 201) throw new Error(`the first key was not registered: ${status}`);
}

export async function createKey(call: Caller): Promise<{ id: number; rawKey: string }> {
  const { status, json } = await call('POST', '/auth/keys', FIRST_KEY, {});
  const { id, raw_key: rawKey } = json;
  if (status !== 201 || id === undefined || rawKey === undefined)
    throw new Error(`no key was made: ${status}`);
  return { id, rawKey };
}

export async function change(call: Caller, id: number, what: 'activate' | 'deactivate'): Promise<void> {
  const { status } = await call('POST', `/auth/keys/${id}/${what}`, FIRST_KEY);
  if (status !== 200) throw new Error(`the key could not be changed: ${status}`);
}

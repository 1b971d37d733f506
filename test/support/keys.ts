import { expect } from 'vitest';
import { fakeClock } from './fake-clock.ts';
import type { Answer, Call, Json, Send } from './http.ts';
import { bootstrapped, FIRST_KEY, type Options, sqlIn } from './keyhearth.ts';

/** The least that bcrypt takes, for tests that make many keys. */
export const CHEAP = { bcryptCost: 4 };

/** A service with a first key, a clock that the test moves, and the calls of an operator. */
export async function operated(options: Options = {}) {
  const { clock, ...time } = fakeClock();
  const running = await bootstrapped({ clock, config: CHEAP, ...options });
  return { ...running, ...time, clock, ...operator(running.send) };
}

/** The usual calls about keys, with the first key unless another is given. */
export function operator(send: Send) {
  const call = (method: string, path: string, body?: Call['body'], key = FIRST_KEY): Promise<Answer> =>
    send({ method, path, key, ...(body !== undefined && { body }) });

  return {
    call,
    create: (body: object = {}, key?: string) => call('POST', '/auth/keys', body, key),
    patch: (id: number, body: object, key?: string) => call('PATCH', `/auth/keys/${id}`, body, key),
    get: async (id: number): Promise<Json> => (await call('GET', `/auth/keys/${id}`)).json,
    rotate: (id: number, body?: object, key?: string) => call('POST', `/auth/keys/${id}/rotate`, body, key),
    /** Makes a key that must come to be. */
    async made(body: object = {}, key?: string): Promise<Json> {
      const answer = await call('POST', '/auth/keys', body, key);
      expect(answer).toMatchObject({ status: 201 });
      return answer.json;
    },
    verify: (key: string, query = '') => send({ path: `/auth/verify${query}`, key }),
    /** What a service hears about a key. */
    async codeOf(rawKey: string, more: object = {}): Promise<string> {
      const { json } = await call('POST', '/auth/verify', { key: rawKey, ...more });
      return json.code;
    },
  };
}

/** The rows of all keys, without the use counts, which are written in between. */
export const storedKeys = async (dataDir: string) =>
  (await sqlIn(dataDir, 'select * from api_keys order by id')).map(
    ({ last_used_at: _, use_count: __, ...row }) => row,
  );

import { expect } from 'vitest';
import { fakeClock } from './fake-clock.ts';
import type { Answer, Json, Send } from './http.ts';
import { type Options, service, sqlIn } from './keyhearth.ts';
import { CHEAP } from './keys.ts';

export const PASSWORD = 'correct horse battery staple';
export const ADMIN = 'ops@example.com';

/** The call of a client of ProxyHat: it sends `Authorization: Bearer` in each request, also without a token. */
export type ClientCall = (method: string, path: string, body?: object | string) => Promise<Answer>;

/** A client of ProxyHat, with an API key or an access token. */
export const clientOf =
  (send: Send, token = ''): ClientCall =>
  (method, path, body) =>
    send({
      method,
      path: `/v1/${path}`,
      headers: {
        Authorization: `Bearer ${token}`,
        Accept: 'application/json',
        // Go sends the length of an empty body.
        ...(body === undefined && method === 'POST' && { 'Content-Length': '0' }),
      },
      ...(body !== undefined && { body }),
    });

type Wanted = { role?: 'admin' | 'member'; isApproved?: boolean; scopes?: string };

/** A service with an admin and a first key, whose clock the test moves. */
export async function proxyhat(options: Options = {}) {
  const { clock, ...time } = fakeClock();
  const running = await service({ clock, config: CHEAP, ...options });
  const { send, dataDir } = running;
  const setUp = await send({
    method: 'POST',
    path: '/auth/setup',
    body: { email: ADMIN, password: PASSWORD, name: 'Operations' },
  });
  expect(setUp).toMatchObject({ status: 201 });
  const rawKey: string = setUp.json.raw_key;

  async function signIn(email: string, more: object = {}): Promise<ClientCall & { token: string }> {
    const answer = await clientOf(send)('POST', 'auth/login', { email, password: PASSWORD, ...more });
    expect(answer).toMatchObject({ status: 200 });
    const token: string = answer.json.access_token;
    return Object.assign(clientOf(send, token), { token });
  }

  return {
    ...running,
    ...time,
    clock,
    /** The first key, which holds everything and belongs to no account. */
    rawKey,
    signIn,
    /** The calls with a key, or with any other token. */
    as: (token?: string) => clientOf(send, token),

    /** Writes an account with the password of the admin, behind the service's back, and signs it in. */
    async member(email: string, { role = 'member', isApproved = true, scopes = '' }: Wanted = {}) {
      await sqlIn(
        dataDir,
        `insert into accounts (id, email, name, role, scopes, is_approved, password_hash, totp_secret,
           is_totp_confirmed, totp_counter, recovery_codes, created_at, last_sign_in_at)
         select '${crypto.randomUUID()}', '${email}', 'Developer', '${role}', '${scopes}', ${isApproved ? 1 : 0},
           password_hash, null, 0, 0, null, created_at, null from accounts where email = '${ADMIN}'`,
      );
      return signIn(email);
    },

    /** Makes a key that must come to be. */
    async made(call: ClientCall, body?: object): Promise<Json> {
      const answer = await call('POST', 'profile/api-keys', body);
      expect(answer).toMatchObject({ status: 201 });
      return answer.json;
    },

    /** What a service behind the core API learns of a key. */
    async codeOf(key: string): Promise<string> {
      const answer = await send({ method: 'POST', path: '/auth/verify', key: rawKey, body: { key } });
      return answer.json.code;
    },
  };
}

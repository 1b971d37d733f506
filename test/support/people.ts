import { expect } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { codeAt } from './codes.ts';
import { fakeClock } from './fake-clock.ts';
import type { Answer, Call, Send } from './http.ts';
import { type Options, service, sqlIn } from './keyhearth.ts';
import { CHEAP, operator } from './keys.ts';

export const ADMIN = { email: 'ops@example.com', password: 'correct horse battery staple' };

/** What a browser sends back: the names and values of all cookies of an answer. */
export const cookiesOf = ({ headers }: Answer): string =>
  (headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');

/** The calls of a person who is signed in. */
export function withCookie(send: Send, cookie: string) {
  return (method: string, path: string, body?: Call['body']): Promise<Answer> =>
    send({ method, path, headers: { Cookie: cookie }, ...(body !== undefined && { body }) });
}

export type Person = ReturnType<typeof withCookie>;

/** Signs in, and answers with the calls of the person. */
export async function signIn(send: Send, body: object = ADMIN): Promise<Person> {
  const answer = await send({ method: 'POST', path: '/auth/login', body });
  expect(answer).toMatchObject({ status: 200 });
  return withCookie(send, cookiesOf(answer));
}

/**
 * A service with a first admin and the first key, and a clock that the test moves.
 * @param start `startService` for all tests of a file, which close it
 */
export async function peopled(options: Options = {}, start = service) {
  const { clock, ...time } = fakeClock();
  const running = await start({ clock, config: CHEAP, ...options });
  const answer = await running.send({ method: 'POST', path: '/auth/setup', body: ADMIN });
  expect(answer).toMatchObject({ status: 201 });
  const rawKey: string = answer.json.raw_key;
  const adminId: string = answer.json.account.id;
  const { call } = operator(running.send);

  return {
    ...running,
    ...time,
    clock,
    rawKey,
    adminId,
    admin: withCookie(running.send, cookiesOf(answer)),
    /** A call with the first key. */
    call: (method: string, path: string, body?: Call['body']) => call(method, path, body, rawKey),
    signIn: (body?: object) => signIn(running.send, body),
    /** Writes a further account with the password of the admin, behind the service's back. */
    async add(email: string, role: 'admin' | 'member' = 'member'): Promise<string> {
      const id = crypto.randomUUID();
      await sqlIn(
        running.dataDir,
        `insert into accounts select '${id}', '${email}', name, '${role}', scopes, is_approved, password_hash,
         null, 0, 0, null, created_at, null from accounts where id = '${adminId}'`,
      );
      return id;
    },
  };
}

/** Sets up and confirms a second factor. */
export async function setUpTwoFactor(person: Person, clock: Pick<Clock, 'now'>) {
  const begun = await person('POST', '/auth/self/two-factor');
  expect(begun).toMatchObject({ status: 200 });
  const { secret, recovery_codes: recoveryCodes } = begun.json;
  const code = codeAt(secret, clock.now());
  const answer = await person('POST', '/auth/self/two-factor/confirm', { code });
  expect(answer).toMatchObject({ status: 204 });
  return { secret: String(secret), recoveryCodes: recoveryCodes as string[] };
}

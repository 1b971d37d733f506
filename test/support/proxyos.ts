import { createTRPCClient, httpBatchLink, httpLink, TRPCClientError } from '@trpc/client';
import superjson from 'superjson';
import { expect } from 'vitest';
import type { ProxyosRouter } from '../../src/apis/proxyos/proxyos-api.ts';
import type { Running } from './keyhearth.ts';

export const PASSWORD = 'correct horse battery staple';
export const ADMIN = 'admin@example.com';

/** What a browser keeps between requests. */
export type Jar = { cookie: string | undefined; setCookie: string | undefined; answers: number[] };

/** Fetches as a browser does: it sends the cookie of the jar, and keeps a new one. */
const fetchWith =
  (jar: Jar) =>
  async (input: string | URL | Request, options?: object): Promise<Response> => {
    const init = options as RequestInit | undefined;
    const headers = new Headers(init?.headers);
    if (jar.cookie !== undefined) headers.set('Cookie', jar.cookie);
    const answer = await fetch(input, { ...init, headers });
    jar.answers.push(answer.status);
    const setCookie = answer.headers.get('set-cookie');
    if (setCookie !== null) {
      jar.setCookie = setCookie;
      const [pair = ''] = setCookie.split(';');
      jar.cookie = pair.endsWith('=') ? undefined : pair;
    }
    return answer;
  };

/** The real client of ProxyOS: superjson, and one request for the calls of a turn. With a key, or with a cookie jar. */
export function proxyosClient(
  origin: string,
  { key, isBatched = true }: { key?: string; isBatched?: boolean } = {},
) {
  const jar: Jar = { cookie: undefined, setCookie: undefined, answers: [] };
  const options = {
    url: `${origin}/api/trpc`,
    transformer: superjson,
    fetch: fetchWith(jar),
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
  };
  const link = isBatched ? httpBatchLink(options) : httpLink(options);
  return { client: createTRPCClient<ProxyosRouter>({ links: [link] }), jar };
}

/** A client that is signed in. */
export async function signedIn({ origin }: Running, email: string, password = PASSWORD) {
  const made = proxyosClient(origin);
  const person = await made.client.users.login.mutate({ email, password });
  expect(made.jar.cookie).toMatch(/^proxyos_token=khs_/);
  return { ...made, id: person.id ?? '', person };
}

/** Sets up the first administrator, with a key, and signs them in at the ProxyOS API. */
export async function administered(running: Running, key: string) {
  const answer = await running.send({
    method: 'POST',
    path: '/api/auth/setup',
    headers: { Authorization: `Bearer ${key}` },
    body: { email: ADMIN, password: PASSWORD },
  });
  expect(answer).toMatchObject({ status: 201 });
  return signedIn(running, ADMIN);
}

/** What a call fails with: its code, its number, its status and its message. */
export async function failureOf(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof TRPCClientError)) throw error;
    const { message, data, shape } = error as TRPCClientError<ProxyosRouter>;
    return { message, code: data?.code, status: data?.httpStatus, number: shape?.code };
  }
  throw new Error('the call succeeded');
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import type { Result } from '../../src/client/result.ts';
import { FIRST_KEY, type Running, startService } from '../support/keyhearth.ts';

let running: Running;
beforeAll(async () => {
  running = await startService();
  return () => running.close();
});

/** The data of a call that must succeed. */
function dataOf<Data>(result: Result<Data>): Data {
  if (!result.ok) throw new Error(result.error.message);
  return result.data;
}

const errorOf = (result: Result<unknown>) => (result.ok ? undefined : result.error);

describe('a real Keyhearth', () => {
  const client = (key?: string) => createClient({ url: running.origin, key });

  test('takes the first key', async () => {
    expect(dataOf(await client().bootstrapStatus())).toEqual({ needs_bootstrap: true, has_db_keys: false });
    const first = { api_key: FIRST_KEY, label: 'first' };
    expect(dataOf(await client().registerKey(first))).toEqual({ detail: 'API key registered.' });
    expect(errorOf(await client().registerKey(first))).toMatchObject({
      kind: 'problem',
      status: 409,
      code: 'api_key_already_configured',
    });
  });

  test('takes a key through its whole life', async () => {
    const { keys, verify } = client(FIRST_KEY);
    const created = dataOf(await keys.create({ label: 'shop', scopes: ['invoices:read'], expires_in: '1h' }));
    expect(dataOf(await verify(created.raw_key))).toMatchObject({ valid: true, key: { label: 'shop' } });
    expect(dataOf(await verify(created.raw_key, { scope: ['invoices:write'] }))).toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
      missing_scopes: ['invoices:write'],
    });
    expect(dataOf(await keys.update(created.id, { label: 'shop 2' })).label).toBe('shop 2');
    expect(dataOf(await keys.deactivate(created.id)).status).toBe('inactive');
    expect(dataOf(await verify(created.raw_key)).code).toBe('INACTIVE');
    expect(dataOf(await keys.activate(created.id)).status).toBe('active');
    const successor = dataOf(await keys.rotate(created.id, { grace: '1m' }));
    const both = await client(FIRST_KEY).verifyAll([created.raw_key, successor.raw_key]);
    expect(dataOf(both).results.map(({ code }) => code)).toEqual(['VALID', 'VALID']);
    const own = client(successor.raw_key).self;
    expect(dataOf(await own.get()).rotated_from).toBe(created.id);
    const last = dataOf(await own.rotate());
    expect(dataOf(await client(last.raw_key).self.delete())).toBeUndefined();
    expect(dataOf(await keys.delete(successor.id))).toBeUndefined();
    expect(errorOf(await keys.get(successor.id))).toMatchObject({
      status: 404,
      message: 'API key not found.',
    });
  });

  test('sends a list page by page', async () => {
    const { keys } = client(FIRST_KEY);
    for (const label of ['page 1', 'page 2', 'page 3']) dataOf(await keys.create({ label, scopes: [] }));
    const seen: string[] = [];
    for await (const page of keys.pages({ label: 'page', limit: 2, sort: 'created_at' }))
      seen.push(...dataOf(page).keys.map(({ label }) => label));
    expect(seen).toEqual(['page 1', 'page 2', 'page 3']);
  });

  test('names the invalid fields of a request', async () => {
    expect(errorOf(await client(FIRST_KEY).keys.create({ label: 'a\nb' }))).toMatchObject({
      kind: 'problem',
      code: 'invalid_request',
      errors: [{ path: 'label' }],
    });
  });

  test('ends a list with an error that is a value', async () => {
    const pages = [];
    for await (const page of client('a-key-that-does-not-exist-0123456789').keys.pages()) pages.push(page);
    expect(pages).toMatchObject([{ ok: false, error: { status: 401, code: 'invalid_api_key' } }]);
  });
});

/** A `fetch` that gives one answer after the other, and the requests that it received. */
function answering(...answers: (() => Response)[]) {
  const requests: { url: string; method: string | undefined }[] = [];
  const fake = async (url: unknown, init?: RequestInit) => {
    init?.signal?.throwIfAborted();
    requests.push({ url: String(url), method: init?.method });
    const answer = answers.shift();
    if (!answer) throw new TypeError('fetch failed');
    return answer();
  };
  return { fetch: fake as typeof fetch, requests };
}

const refusing =
  (code: string, seconds = 3) =>
  () =>
    Response.json(
      { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'Try again.', code },
      { status: 503, headers: { 'Retry-After': String(seconds) } },
    );
const answered = (body: object) => () => Response.json(body);

const URL_ = 'http://keys.example.com';
const status = { needs_bootstrap: false, has_db_keys: true };

/** A client whose waits pass at once, and how long they would take. */
function waiting(answers: (() => Response)[], options: object = {}) {
  const waits: number[] = [];
  const { fetch, requests } = answering(...answers);
  const client = createClient({ url: URL_, fetch, ...options }, async (ms) => void waits.push(ms));
  return { client, waits, requests };
}

describe('after a 503', () => {
  test('it waits as long as Retry-After says, and asks again', async () => {
    const { client, waits } = waiting([refusing('stopping', 3), refusing('stopping', 2), answered(status)]);
    expect(dataOf(await client.bootstrapStatus())).toEqual(status);
    expect(waits).toEqual([3_000, 2_000]);
  });

  test('it gives up after two repetitions, and returns the last answer', async () => {
    const { client, requests } = waiting(Array(5).fill(refusing('stopping')));
    expect(errorOf(await client.bootstrapStatus())).toMatchObject({ status: 503, retryAfter: 3 });
    expect(requests).toHaveLength(3);
  });

  test('it does not wait when its time would end before', async () => {
    const { client, waits } = waiting([refusing('stopping', 10), answered(status)], { timeoutMs: 9_000 });
    expect(errorOf(await client.bootstrapStatus())).toMatchObject({ code: 'stopping' });
    expect(waits).toEqual([]);
  });

  test('it repeats a change only when the first one has certainly not happened', async () => {
    const busy = waiting([refusing('database_busy'), answered({ id: 2 })]);
    expect(dataOf(await busy.client.keys.create())).toEqual({ id: 2 });
    const unknown = waiting([refusing('database_unavailable'), answered({ id: 2 })]);
    expect(errorOf(await unknown.client.keys.create())).toMatchObject({ code: 'database_unavailable' });
    expect(unknown.requests).toHaveLength(1);
  });

  test('it repeats after the page of a proxy', async () => {
    const page = () => new Response('<h1>Sorry</h1>', { status: 503 });
    const { client, waits } = waiting([page, answered(status)]);
    expect(dataOf(await client.bootstrapStatus())).toEqual(status);
    expect(waits).toEqual([1_000]);
  });
});

describe('an error is a value', () => {
  /** Answers when the signal aborts. */
  const silent = ((_: unknown, init?: RequestInit) =>
    new Promise((_resolve, reject) => {
      const signal = init?.signal;
      signal?.addEventListener('abort', () => reject(signal.reason));
    })) as typeof fetch;

  test('of a Keyhearth that does not answer', async () => {
    const { bootstrapStatus } = createClient({ url: URL_, fetch: silent, timeoutMs: 5 });
    expect(errorOf(await bootstrapStatus())).toMatchObject({ kind: 'timeout' });
  });

  test('of a call that its caller aborts', async () => {
    const controller = new AbortController();
    const { bootstrapStatus } = createClient({ url: URL_, fetch: silent });
    const call = bootstrapStatus({ signal: controller.signal });
    controller.abort();
    expect(errorOf(await call)).toMatchObject({ kind: 'aborted' });
  });

  test('of a call that its caller aborts while it waits for another attempt', async () => {
    const { fetch, requests } = answering(refusing('stopping', 5), answered(status));
    const controller = new AbortController();
    const call = createClient({ url: URL_, fetch }).bootstrapStatus({ signal: controller.signal });
    await expect.poll(() => requests.length).toBe(1);
    controller.abort();
    expect(errorOf(await call)).toMatchObject({ kind: 'aborted' });
    expect(requests).toHaveLength(1);
  });

  test('of a connection that fails', async () => {
    const { client } = waiting([]);
    expect(errorOf(await client.bootstrapStatus())).toMatchObject({ kind: 'unreachable' });
  });

  test.each([
    ['a page', () => new Response('<h1>Welcome</h1>'), 200],
    ['JSON that is no object', () => Response.json(null), 200],
    ['another JSON', () => Response.json({ error: 'no' }, { status: 404 }), 404],
    ['a redirect, which is not followed', () => Response.redirect('http://other.example.com/'), 302],
  ])('of another program, which answers %s', async (_, answer, code) => {
    const { client } = waiting([answer]);
    expect(errorOf(await client.bootstrapStatus())).toMatchObject({
      kind: 'unexpected_answer',
      status: code,
    });
  });
});

test('the key goes to no other address, also when the answer is a redirect', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ url, headers }, answer) => {
    seen.push(`${url} ${headers['x-api-key']}`);
    answer.writeHead(307, { Location: '/elsewhere' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { self } = createClient({ url: `http://127.0.0.1:${port}`, key: FIRST_KEY });
  expect(errorOf(await self.get())).toMatchObject({ kind: 'unexpected_answer', status: 307 });
  expect(seen).toEqual([`/auth/self ${FIRST_KEY}`]);
  server.close();
});

test('a path in front of the API is part of every URL, and undefined filters are not', async () => {
  const { client, requests } = waiting([answered({ keys: [] })], { url: 'https://example.com/keys' });
  await client.keys.list({ label: 'a b', owner: undefined });
  expect(requests).toEqual([{ method: 'GET', url: 'https://example.com/keys/auth/keys?label=a+b' }]);
});

test.each([
  [{ url: 'keys.example.com' }, /url must begin/],
  [{ url: 'https://ada:secret@example.com' }, /url must not contain a user name/],
  [{ url: URL_, key: 'with\nline' }, /^key must be printable ASCII without spaces.$/],
  [{ url: URL_, timeoutMs: 0 }, /timeoutMs must/],
  [{ url: URL_, retries: -1 }, /retries must/],
])('options that nobody can use: %j', (options, message) => {
  expect(() => createClient(options)).toThrow(message);
});

import type { Result } from './result.ts';
import { type Call, type Connection, send } from './send.ts';
import type {
  ApiKey,
  BootstrapStatus,
  CreatedApiKey,
  KeyChange,
  KeyFilter,
  KeyPage,
  NewKey,
  Rotation,
  Verification,
  VerifyOptions,
} from './types.ts';

export type ClientOptions = {
  /** Where Keyhearth answers, such as `https://keys.example.com`. A path in front of the API is part of it. */
  url: string | URL;
  /** The key of this client. Open routes, such as the registration of the first key, need none. */
  key?: string | undefined;
  /** How long a call takes at most, with its repetitions. 10 seconds by default. */
  timeoutMs?: number | undefined;
  /** How often a call is sent again after a 503. 2 by default. */
  retries?: number | undefined;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
};

/** What every call takes. */
export type CallOptions = { signal?: AbortSignal | undefined };

export type Client = ReturnType<typeof createClient>;

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_RETRIES = 2;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Makes a client of the core API.
 * @param wait waits between two attempts
 * @throws TypeError when an option is unusable. Calls never throw
 */
export function createClient(options: ClientOptions, wait = pause) {
  const connection = connect(options, wait);
  const call = <Data>(request: Call) => send<Data>(connection, request);

  const get = <Data>(path: string, query: Call['query'], options?: CallOptions) =>
    call<Data>({ method: 'GET', path, query, isSafe: true, ...options });
  const change = <Data>(
    method: Call['method'],
    path: string,
    body: object | undefined,
    options?: CallOptions,
  ) => call<Data>({ method, path, body, isSafe: false, ...options });
  const verify = <Data>(body: object, options?: CallOptions) =>
    call<Data>({ method: 'POST', path: 'auth/verify', body, isSafe: true, ...options });

  return {
    /** Whether the first key is still to be registered. */
    bootstrapStatus: (options?: CallOptions) =>
      get<BootstrapStatus>('auth/bootstrap-status', undefined, options),
    /** Registers the first key. This works once per database. */
    registerKey: (key: { api_key: string; label?: string | undefined }, options?: CallOptions) =>
      change<{ detail: string }>('POST', 'auth/register-key', key, options),
    /** Verifies a key that your service received. Needs the scope `keys:verify`. */
    verify: (key: string, question: VerifyOptions = {}, options?: CallOptions) =>
      verify<Verification>({ ...question, key }, options),
    /** Verifies up to 100 keys. The results have the order of the keys. */
    verifyAll: (keys: readonly string[], question: VerifyOptions = {}, options?: CallOptions) =>
      verify<{ results: Verification[] }>({ ...question, keys }, options),
    keys: {
      /** One page. */
      list: (filter: KeyFilter = {}, options?: CallOptions) => get<KeyPage>('auth/keys', filter, options),
      /** All pages. The last result may be an error. */
      async *pages(filter: KeyFilter = {}, options?: CallOptions): AsyncGenerator<Result<KeyPage>, void> {
        let { cursor } = filter;
        do {
          const page: Result<KeyPage> = await get('auth/keys', { ...filter, cursor }, options);
          yield page;
          cursor = page.ok ? page.data.next_cursor : undefined;
        } while (cursor !== undefined);
      },
      create: (key: NewKey = {}, options?: CallOptions) =>
        change<CreatedApiKey>('POST', 'auth/keys', key, options),
      get: (id: number, options?: CallOptions) => get<ApiKey>(`auth/keys/${id}`, undefined, options),
      update: (id: number, settings: KeyChange, options?: CallOptions) =>
        change<ApiKey>('PATCH', `auth/keys/${id}`, settings, options),
      activate: (id: number, options?: CallOptions) =>
        change<ApiKey>('POST', `auth/keys/${id}/activate`, undefined, options),
      deactivate: (id: number, options?: CallOptions) =>
        change<ApiKey>('POST', `auth/keys/${id}/deactivate`, undefined, options),
      rotate: (id: number, rotation: Rotation = {}, options?: CallOptions) =>
        change<CreatedApiKey>('POST', `auth/keys/${id}/rotate`, rotation, options),
      delete: (id: number, options?: CallOptions) =>
        change<undefined>('DELETE', `auth/keys/${id}`, undefined, options),
    },
    /** The key of this client. */
    self: {
      get: (options?: CallOptions) => get<ApiKey>('auth/self', undefined, options),
      rotate: (rotation: Rotation = {}, options?: CallOptions) =>
        change<CreatedApiKey>('POST', 'auth/self/rotate', rotation, options),
      delete: (options?: CallOptions) => change<undefined>('DELETE', 'auth/self', undefined, options),
    },
  };
}

function connect(options: ClientOptions, wait: Connection['wait']): Connection {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES } = options;
  // The message of a failed header would contain the key.
  if (options.key !== undefined && !/^[!-~]+$/.test(options.key))
    throw new TypeError('key must be printable ASCII without spaces.');
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new TypeError(`timeoutMs must be a number from 1 to ${MAX_TIMEOUT_MS}.`);
  if (!(Number.isInteger(retries) && retries >= 0))
    throw new TypeError('retries must be a whole number, 0 or more.');
  const send = options.fetch ?? globalThis.fetch;
  return { base: baseOf(options.url), key: options.key, timeoutMs, retries, fetch: send, wait };
}

function baseOf(url: string | URL): URL {
  const base = URL.parse(String(url));
  if (!base || !/^https?:$/.test(base.protocol))
    throw new TypeError('url must begin with http:// or https://.');
  if (base.username || base.password) throw new TypeError('url must not contain a user name or a password.');
  if (base.search || base.hash) throw new TypeError('url must not contain a query or a fragment.');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });

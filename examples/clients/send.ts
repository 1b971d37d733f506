const { KEYHEARTH_URL = 'http://127.0.0.1:8800', KEYHEARTH_KEY = '' } = process.env;

/** Sends the requests of the client that orval generates, to Keyhearth and with a key. */
export async function send<Result>(path: string, options: RequestInit): Promise<Result> {
  const headers = new Headers(options.headers);
  headers.set('X-API-Key', KEYHEARTH_KEY);
  const response = await fetch(new URL(path, KEYHEARTH_URL), { ...options, headers });
  const text = await response.text();
  const data = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, data } as Result;
}

import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, STATUS_CODES } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; undefined where it is empty. */
  json: Json;
};

/** As loose as what `JSON.parse` gives: a test reads a body as what it expects it to be. */
export type Json = ReturnType<typeof JSON.parse>;

export type Call = {
  method?: string;
  /** Sent as it is: no client tidies it up. */
  path: string;
  key?: string;
  headers?: Record<string, string | string[]>;
  /** An object is sent as JSON with its content type; text and bytes as they are. */
  body?: object | string | Uint8Array;
};

/**
 * Sends requests to `origin` exactly as written.
 * @param from the address to send from; every one of 127.0.0.0/8 is this machine
 */
export function client(origin: string, from?: string) {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true, localAddress: from });

  return function send(call: Call | string): Promise<Answer> {
    const {
      method = 'GET',
      path,
      key,
      headers = {},
      body,
    } = typeof call === 'string' ? { path: call } : call;
    const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          hostname,
          port,
          agent,
          method,
          path,
          headers: {
            ...(key !== undefined && { 'X-API-Key': key }),
            ...(isJson && { 'Content-Type': 'application/json' }),
            // Node frames no body of a DELETE by itself.
            ...(isJson &&
              method === 'DELETE' && { 'Content-Length': Buffer.byteLength(JSON.stringify(body)) }),
            ...headers,
          },
        },
        (incoming) => {
          toAnswer(incoming).then((answer) => {
            const mistake = mistakeIn(answer);
            if (mistake === undefined) resolve(answer);
            else reject(new Error(`${method} ${answer.status}: ${mistake}`));
          }, reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(isJson ? JSON.stringify(body) : body);
    });
  };
}

/** Reads an answer to its end. */
export async function toAnswer(incoming: IncomingMessage): Promise<Answer> {
  const text = (await buffer(incoming)).toString();
  const carriesJson = /[/+]json\b/.test(incoming.headers['content-type'] ?? '') && text !== '';
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    json: carriesJson ? JSON.parse(text) : undefined,
  };
}

/** What is wrong with an answer, whatever it answers. All answers of all tests pass through here. */
function mistakeIn({ status, headers, json }: Answer): string | undefined {
  if (headers['content-type'] !== 'application/problem+json' || json === undefined) return undefined;
  if (json.status !== status) return `its body says status ${json.status}`;
  if (json.title !== STATUS_CODES[status]) return `its body says title ${json.title}`;
  if (typeof json.detail !== 'string' || typeof json.code !== 'string')
    return 'its body has no detail or no code';
  return undefined;
}

export type Send = ReturnType<typeof client>;

/** Writes bytes to the port and reads until the other side closes: for what no HTTP client would send. */
export function sendRaw(origin: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer in five seconds')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

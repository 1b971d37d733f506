import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as an upstream got it. */
export type Received = Readonly<{
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: readonly string[];
  body: string;
}>;

export type Upstream = Readonly<{
  origin: string;
  /** All requests so far whose bodies have arrived. */
  received: Received[];
  /** Ends every connection at once, as a process does that is killed. */
  kill(): void;
  close(): Promise<void>;
}>;

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
) => boolean | undefined | Promise<boolean | undefined>;

const json = (response: ServerResponse, value: object, status = 200) => {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
};

async function events(
  response: ServerResponse,
  list: readonly (readonly [string | undefined, object | string])[],
) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const [event, data] of list) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`);
    await new Promise(setImmediate);
  }
  response.end();
}

const WORDS = ['Hello', ' from', ' the', ' upstream'];

const openaiUsage = { prompt_tokens: 7, completion_tokens: 4, total_tokens: 11 };
const claudeUsage = { input_tokens: 7, output_tokens: 4 };
const geminiUsage = { promptTokenCount: 7, candidatesTokenCount: 4, totalTokenCount: 11 };

const MODELS = ['small', 'large'];

function chat(response: ServerResponse, { model, stream }: { model: string; stream?: boolean }) {
  const base = { id: 'chatcmpl-1', created: 1_700_000_000, model };
  if (!stream) {
    const message = { role: 'assistant', content: WORDS.join('') };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return json(response, { ...base, object: 'chat.completion', choices, usage: openaiUsage });
  }
  const chunk = (choices: object[], usage?: object) =>
    [undefined, { ...base, object: 'chat.completion.chunk', choices, ...(usage && { usage }) }] as const;
  return events(response, [
    ...WORDS.map((content) => chunk([{ index: 0, delta: { content }, finish_reason: null }])),
    chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
    chunk([], openaiUsage),
    [undefined, '[DONE]'],
  ]);
}

function messages(response: ServerResponse, { model, stream }: { model: string; stream?: boolean }) {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model, stop_sequence: null };
  if (!stream) {
    const content = [{ type: 'text', text: WORDS.join('') }];
    return json(response, { ...message, content, stop_reason: 'end_turn', usage: claudeUsage });
  }
  const delta = (text: string) =>
    [
      'content_block_delta',
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
    ] as const;
  return events(response, [
    [
      'message_start',
      {
        type: 'message_start',
        message: { ...message, content: [], stop_reason: null, usage: { ...claudeUsage, output_tokens: 1 } },
      },
    ],
    [
      'content_block_start',
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ],
    ...WORDS.map(delta),
    ['content_block_stop', { type: 'content_block_stop', index: 0 }],
    [
      'message_delta',
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 4 },
      },
    ],
    ['message_stop', { type: 'message_stop' }],
  ]);
}

function gemini(response: ServerResponse, isStream: boolean) {
  const answer = (text: string, rest: object = {}) => ({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...rest }],
  });
  if (!isStream)
    return json(response, {
      ...answer(WORDS.join(''), { finishReason: 'STOP' }),
      usageMetadata: geminiUsage,
    });
  return events(
    response,
    WORDS.map((word, i) => [
      undefined,
      i < WORDS.length - 1
        ? answer(word)
        : { ...answer(word, { finishReason: 'STOP' }), usageMetadata: geminiUsage },
    ]),
  );
}

/** What the model providers answer, in their own forms. */
async function answer(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
  const path = (request.url ?? '').replace(/\?.*/, '');
  const sent = body === '' ? {} : JSON.parse(body);
  if (path.endsWith('/v1/chat/completions')) return chat(response, sent);
  if (path.endsWith('/v1/messages')) return messages(response, sent);
  if (path.endsWith('/v1/embeddings')) {
    const data = [{ object: 'embedding', index: 0, embedding: [0.25, -0.5] }];
    return json(response, {
      object: 'list',
      data,
      model: sent.model,
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  }
  if (path.endsWith('/v1/models'))
    return json(response, {
      object: 'list',
      data: MODELS.map((id) => ({ id, object: 'model', created: 1, owned_by: 'test' })),
    });
  if (path.endsWith('/v1beta/models'))
    return json(response, { models: MODELS.map((id) => ({ name: `models/${id}`, displayName: id })) });
  if (/:(?:stream)?generateContent$/i.test(path)) return gemini(response, path.includes(':stream'));
  return json(response, { path });
}

/**
 * A small upstream on the loopback, gone when the test is. It answers as the model providers do.
 * @param handler answers a request in its own way, or returns false for the usual answer
 */
export async function startUpstream(handler: Handler = () => false): Promise<Upstream> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      if (request.headers['x-test-unread'] === undefined)
        for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers, rawHeaders } = request;
    received.push({ method, url, headers, rawHeaders, body });
    if ((await handler(request, response, body)) === false) await answer(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    kill: () => server.closeAllConnections(),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  onTestFinished(upstream.close);
  return upstream;
}

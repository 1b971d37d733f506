import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { CLIENT_KEY, credential, startGateway } from '../../support/client-api.ts';
import { startUpstream } from '../../support/upstream.ts';

/** The official clients, unchanged, through the gateway. */

const HELLO = 'Hello from the upstream';

async function everything(options: Partial<Parameters<typeof startGateway>[0]> = {}) {
  const upstream = await startUpstream();
  const baseUrl = upstream.origin;
  const credentials = [
    credential({ name: 'plain', apiKey: 'sk-plain', baseUrl: `${baseUrl}/api/v1` }),
    credential({ name: 'openrouter', apiKey: 'sk-or', prefix: 'or', baseUrl }),
    credential({ protocol: 'claude', apiKey: 'sk-ant', baseUrl }),
    credential({ protocol: 'gemini', apiKey: 'AIza', baseUrl }),
    credential({ protocol: 'gemini', apiKey: 'AIza-team', prefix: 'team-a', baseUrl }),
    credential({ protocol: 'codex', apiKey: 'sk-codex', baseUrl }),
  ];
  const gateway = await startGateway({ config: { credentials }, ...options });
  const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${gateway.origin}/v1`, maxRetries: 0 });
  return { upstream, gateway, clientOf, openai: clientOf(CLIENT_KEY) };
}

describe('openai', () => {
  test('chat, with and without a prefix', async () => {
    const { upstream, openai } = await everything();
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const plain = await openai.chat.completions.create({ model: 'gpt-5', messages });
    expect(plain.choices[0]?.message.content).toBe(HELLO);
    expect(plain.model).toBe('gpt-5');
    const prefixed = await openai.chat.completions.create({ model: 'or/meta/llama', messages });
    expect(prefixed.model).toBe('meta/llama');
    expect(upstream.received.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/api/v1/chat/completions', 'Bearer sk-plain'],
      ['/v1/chat/completions', 'Bearer sk-or'],
    ]);
  });

  test('a stream', async () => {
    const { openai } = await everything();
    const stream = await openai.chat.completions.create({
      model: 'gpt-5',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    const words: string[] = [];
    let total = 0;
    for await (const { choices, usage } of stream) {
      words.push(choices[0]?.delta.content ?? '');
      total = usage?.total_tokens ?? total;
    }
    expect(words.join('')).toBe(HELLO);
    expect(total).toBe(11);
  });

  test('embeddings and models', async () => {
    const { openai } = await everything();
    const { data } = await openai.embeddings.create({
      model: 'embed',
      input: 'Hi',
      encoding_format: 'float',
    });
    expect(data[0]?.embedding).toEqual([0.25, -0.5]);
    const ids: string[] = [];
    for await (const model of openai.models.list()) ids.push(model.id);
    expect(ids).toEqual(['small', 'large', 'or/small', 'or/large', 'team-a/small', 'team-a/large']);
    expect(await openai.models.retrieve('or/small')).toMatchObject({
      id: 'or/small',
      owned_by: 'openrouter',
    });
    await expect(openai.models.retrieve('or/unknown')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('a wrong key, and a rate limit', async () => {
    const { clientOf } = await everything({
      principals: { [CLIENT_KEY]: { rateLimits: [{ name: 'a', limit: 1, window: '1s', windowMs: 1_000 }] } },
    });
    const request = { model: 'gpt-5', messages: [{ role: 'user' as const, content: 'Hi' }] };
    const wrong = await clientOf('a-wrong-key')
      .chat.completions.create(request)
      .catch((error) => error);
    expect(wrong).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(wrong).toMatchObject({
      status: 401,
      type: 'authentication_error',
      code: 'invalid_api_key',
      message: '401 Invalid API key',
    });
    const limited = await clientOf(CLIENT_KEY)
      .chat.completions.create(request)
      .catch((error) => error);
    expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
    expect(limited).toMatchObject({ status: 429, type: 'rate_limit_error', code: 'rate_limited' });
    expect(limited.headers.get('retry-after')).toBe('7');
  });
});

describe('@anthropic-ai/sdk', () => {
  test('a message, and a stream', async () => {
    const { upstream, gateway } = await everything();
    const anthropic = new Anthropic({ apiKey: CLIENT_KEY, baseURL: gateway.origin, maxRetries: 0 });
    const request = {
      model: 'claude-x',
      max_tokens: 16,
      messages: [{ role: 'user' as const, content: 'Hi' }],
    };
    const { content, usage } = await anthropic.messages.create(request);
    expect(content).toEqual([{ type: 'text', text: HELLO }]);
    expect(usage).toMatchObject({ input_tokens: 7, output_tokens: 4 });
    expect(await anthropic.messages.stream(request).finalText()).toBe(HELLO);
    expect(upstream.received.map(({ headers }) => headers['x-api-key'])).toEqual(['sk-ant', 'sk-ant']);
    expect(JSON.stringify(upstream.received)).not.toContain(CLIENT_KEY);
    const ids: string[] = [];
    for await (const model of anthropic.models.list()) ids.push(model.id);
    expect(ids).toContain('or/small');
  });
});

describe('@google/genai', () => {
  test.each([
    ['its own version', {}, '/v1'],
    ['v1beta', { apiVersion: 'v1beta' }, '/v1beta'],
  ])('generateContent, a stream, and a prefix in the path: %s', async (_, options, version) => {
    const { upstream, gateway } = await everything();
    const httpOptions = { baseUrl: gateway.origin };
    const google = new GoogleGenAI({ apiKey: CLIENT_KEY, httpOptions, ...options });
    const { text } = await google.models.generateContent({ model: 'gemini-x', contents: 'Hi' });
    expect(text).toBe(HELLO);
    const words: string[] = [];
    const stream = await google.models.generateContentStream({ model: 'team-a/gemini-x', contents: 'Hi' });
    for await (const { text: word } of stream) words.push(word ?? '');
    expect(words.join('')).toBe(HELLO);
    expect(upstream.received.map(({ url, headers }) => [url, headers['x-goog-api-key']])).toEqual([
      [`${version}/models/gemini-x:generateContent`, 'AIza'],
      [`${version}/models/gemini-x:streamGenerateContent?alt=sse`, 'AIza-team'],
    ]);
    expect(JSON.stringify(upstream.received)).not.toContain(CLIENT_KEY);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokenReader } from '../../src/usage/tokens.ts';

const sse = (...events: object[]) =>
  `${events.map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`).join('')}`;

function tokensOf(contentType: string, chunks: readonly Uint8Array[]) {
  const reader = createTokenReader(contentType);
  for (const chunk of chunks) reader?.push(chunk);
  return reader?.tokens();
}

const text = 'a "quoted" {"usage": {"input_tokens": 99}} \\ ✓ line\nbreak';
const TOOL = { type: 'tool_use', input: { usage: { input_tokens: 999, output_tokens: 999 }, list: [1, 2] } };

const answers = [
  [
    'OpenAI chat',
    'application/json',
    JSON.stringify({
      choices: [{ message: { content: text } }],
      usage: {
        prompt_tokens: 12,
        completion_tokens: 34,
        total_tokens: 46,
        prompt_tokens_details: { cached_tokens: 7 },
      },
    }),
    12,
    34,
  ],
  [
    'OpenAI chat, indented',
    'application/json; charset=utf-8',
    JSON.stringify({ usage: { prompt_tokens: 12, completion_tokens: 34 }, text }, null, 2),
    12,
    34,
  ],
  [
    'OpenAI embeddings',
    'application/json',
    JSON.stringify({ data: [{ embedding: [0.5, -1e-9, 3] }], usage: { prompt_tokens: 8, total_tokens: 8 } }),
    8,
    0,
  ],
  [
    'OpenAI stream',
    'text/event-stream',
    `${sse({ choices: [{ delta: { content: text } }], usage: null }, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 6 } })}data: [DONE]\n\n`,
    5,
    6,
  ],
  [
    'OpenAI responses stream',
    'text/event-stream; charset=utf-8',
    sse(
      { type: 'response.output_text.delta', delta: text },
      {
        type: 'response.completed',
        response: {
          output: [TOOL],
          usage: { input_tokens: 21, input_tokens_details: { cached_tokens: 3 }, output_tokens: 22 },
        },
      },
    ),
    21,
    22,
  ],
  [
    'Claude',
    'application/json',
    JSON.stringify({
      content: [{ text }, TOOL],
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 3,
        cache_read_input_tokens: 4,
        output_tokens: 20,
      },
    }),
    17,
    20,
  ],
  [
    'Claude stream',
    'text/event-stream',
    sse(
      { type: 'message_start', message: { usage: { input_tokens: 25, output_tokens: 1 } } },
      { type: 'content_block_delta', delta: { text, partial_json: JSON.stringify(TOOL) } },
      { type: 'message_delta', usage: { output_tokens: 15 } },
    ),
    25,
    15,
  ],
  [
    'Gemini',
    'application/json',
    JSON.stringify({
      candidates: [{ content: { parts: [{ text }] } }],
      usageMetadata: {
        promptTokenCount: 4,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 6,
        totalTokenCount: 15,
      },
    }),
    4,
    11,
  ],
  [
    'Gemini stream as a list',
    'application/json',
    JSON.stringify(
      [
        { usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 1 } },
        { usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 9 } },
      ],
      null,
      1,
    ),
    4,
    9,
  ],
  [
    'no usage',
    'application/json',
    JSON.stringify({ usage: 'none', other: { usage: { input_tokens: 5 } }, data: [TOOL] }),
    0,
    0,
  ],
  [
    'a broken line before a good one',
    'text/event-stream',
    `data: {"a": "b\n\n${sse({ usage: { input_tokens: 1, output_tokens: 2 } })}`,
    1,
    2,
  ],
  [
    'no line break at the end',
    'text/event-stream',
    'data: {"usage":{"input_tokens":1,"output_tokens":2}}',
    1,
    2,
  ],
] as const;

describe.each(answers)('%s', (_, contentType, body, input, output) => {
  const bytes = Buffer.from(body);

  test('is read', () => {
    expect(tokensOf(contentType, [bytes])).toEqual({ input, output });
  });

  test('is read the same however it is split', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
        expect(tokensOf(contentType, chunks)).toEqual({ input, output });
      }),
    );
    expect(
      tokensOf(
        contentType,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual({ input, output });
  });
});

test('numbers in texts and names with escapes count for nothing', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, name) => {
      const body = JSON.stringify({
        [`x${name}`]: json,
        text: `"usage":{"input_tokens":9}${json}`,
        usage: { input_tokens: 3, output_tokens: 4 },
      });
      expect(tokensOf('application/json', [Buffer.from(body)])).toEqual({ input: 3, output: 4 });
    }),
  );
});

test.each(['text/html', 'application/octet-stream', 'audio/mpeg', undefined])(
  '%s has no tokens',
  (contentType) => {
    expect(createTokenReader(contentType)).toBe(undefined);
  },
);

test('a number too large to be one is none', () => {
  expect(
    tokensOf('application/json', [Buffer.from(`{"usage":{"input_tokens":${'9'.repeat(400)}}}`)]),
  ).toEqual({ input: 0, output: 0 });
});

test.each([
  [1_000_000_000, 1_000_000_000],
  [1_000_000_001, 0],
  [Number.MAX_SAFE_INTEGER, 0],
])('%i tokens are believed as %i', (said, believed) => {
  const answer = Buffer.from(JSON.stringify({ usage: { prompt_tokens: 1, completion_tokens: said } }));
  expect(tokensOf('application/json', [answer])).toEqual({ input: 1, output: believed });
});

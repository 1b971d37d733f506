import { expect, test } from 'vitest';
import { asksModel } from '../../../src/apis/gateway/routes.ts';

test.each([
  ['POST', '/v1/chat/completions', true],
  ['POST', '/v1/messages', true],
  ['POST', '/v1beta/models/gemini-x:generateContent', true],
  ['POST', '/v1/models/gemini-x:streamGenerateContent', true],
  ['POST', '/v1beta/models/gemini-x:batchEmbedContents', true],
  ['GET', '/v1/chat/completions', false],
  ['POST', '/v1/messages/count_tokens', false],
  ['POST', '/v1/files', false],
  ['POST', '/v1beta/models/gemini-x:countTokens', false],
  ['DELETE', '/v1beta/models/gemini-x', false],
])('%s %s asks a model: %s', (method, path, expected) => {
  expect(asksModel({ path }, method)).toBe(expected);
});

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { generateOpenApi, OPENAPI_FILE } from '../../../openapi/generate.ts';
import { service } from '../../support/keyhearth.ts';

const committed = readFileSync(OPENAPI_FILE, 'utf8');
const document = JSON.parse(committed);

test('the committed document is what the routes declare (npm run generate brings it up to date)', async () => {
  expect(committed).toBe(await generateOpenApi());
});

test('the served document is the committed one', async () => {
  const { send } = await service();
  const answer = await send('/openapi.json');
  expect(answer.text).toBe(committed);
  expect(answer.headers['content-type']).toBe('application/json');
  const again = await send({
    path: '/openapi.json',
    headers: { 'If-None-Match': String(answer.headers.etag) },
  });
  expect(again.status).toBe(304);
});

test('the recommended rules of Redocly find nothing', async () => {
  const { stderr } = await promisify(execFile)('npm', ['run', '--silent', 'lint:openapi']);
  expect(stderr).toContain('Your API description is valid');
  expect(stderr).not.toMatch(/warning|error/i);
});

test('it knows both ways to authorise', () => {
  expect(document.components.securitySchemes).toMatchObject({
    apiKey: { type: 'apiKey', in: 'header', name: 'X-Proxbox-API-Key' },
    bearer: { type: 'http', scheme: 'bearer' },
  });
});

type Example = { status: number; detail: string; message?: string; description?: string };
type Operation = {
  path: string;
  operationId: string;
  summary?: string;
  description?: string;
  security: Record<string, string[]>[];
  parameters?: Described[];
  requestBody?: object;
  responses: Record<
    string,
    { content?: Record<string, { example?: Example; examples?: Record<string, { value: Example }> }> }
  >;
};
const operations = Object.entries<Record<string, Omit<Operation, 'path'>>>(document.paths).flatMap(
  ([path, methods]) => Object.values(methods).map((operation): Operation => ({ path, ...operation })),
);

/** Everything below a value that is meant for people, by its place in the document. Examples are data. */
function sentencesIn(value: unknown, place = ''): [string, string][] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]): [string, string][] => {
    const path = `${place}/${name}`;
    if (name === 'example' || name === 'examples') return [];
    if ((name === 'summary' || name === 'description') && typeof inner === 'string') return [[path, inner]];
    return sentencesIn(inner, path);
  });
}

const sentences = sentencesIn(document);

/** The first word of a sentence that says something about the sentence before. */
const NEEDS_CONTEXT = /^(it|its|they|their|this|that|these|those|there|he|here|same|also|and|or|but)\b/i;

test('every summary and description makes sense alone', () => {
  expect(sentences.length).toBeGreaterThan(100);
  for (const [place, text] of sentences) {
    expect(text, place).not.toMatch(NEEDS_CONTEXT);
    expect(text.split(/\s+/).length, `${place}: ${text}`).toBeGreaterThan(1);
  }
});

test('every property and every parameter has a description', () => {
  const { schemas } = document.components;
  const properties = Object.entries<{ properties?: Record<string, Described> }>(schemas).flatMap(
    ([schema, { properties: ofSchema = {} }]) =>
      Object.entries(ofSchema).map(([name, described]) => ({ at: `${schema}.${name}`, described })),
  );
  const parameters = operations.flatMap(({ operationId, parameters: ofOperation = [] }) =>
    ofOperation.map((described) => ({ at: `${operationId} ${described.name}`, described })),
  );
  expect(parameters).not.toEqual([]);
  const undescribed = [...properties, ...parameters].filter(({ described }) => !isDescribed(described));
  expect(undescribed.map(({ at }) => at)).toEqual([]);
});

/** A reference describes itself. */
type Described = { name?: string; description?: string; $ref?: string };
const isDescribed = ({ description, $ref }: Described) => description !== undefined || $ref !== undefined;

test.each(operations.map((operation) => [operation.operationId, operation] as const))(
  '%s has a summary without a full stop and a description in sentences',
  (_, { summary, description }) => {
    expect(summary).toMatch(/^[A-Z][^.]+$/);
    expect(description).toMatch(/^[A-Z].*\.$/s);
  },
);

const schemeOfPeople = (path: string) => (path.startsWith('/v1/') ? 'accessToken' : 'session');

/** The sentence of each failure at the ProxyHat API. */
const messagesOf = ({ example, examples }: { example?: Example; examples?: object } = {}) =>
  [...Object.values(examples ?? {}).map(({ value }) => value), ...(example ? [example] : [])].map(
    ({ message, description }) => message ?? description,
  );

test.each(operations.map((operation) => [operation.operationId, operation] as const))(
  '%s declares its refusals, each with an example',
  (_, { path, security, requestBody, responses }) => {
    if (security.length > 0) {
      const roles = Object.values(security[0] ?? {})[0];
      const person = path === '/auth/verify' ? [] : [{ [schemeOfPeople(path)]: roles }];
      expect(security).toEqual([{ apiKey: roles }, { bearer: roles }, ...person]);
      if (roles?.length) expect(responses['403']).toBeDefined();
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401', '429']));
    }
    if (requestBody) expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '413', '415']));
    for (const [status, { content }] of Object.entries(responses)) {
      if (!/^[45]/.test(status)) continue;
      if (path.startsWith('/v1/')) {
        expect(messagesOf(content?.['application/json'])).toEqual(
          expect.arrayContaining([expect.any(String)]),
        );
        continue;
      }
      if (/XX$/.test(status)) {
        expect(content?.['application/problem+json']?.example?.detail).toEqual(expect.any(String));
        continue;
      }
      for (const { value } of Object.values(content?.['application/problem+json']?.examples ?? {})) {
        expect(value.status).toBe(Number(status));
        expect(value.detail).toEqual(expect.any(String));
      }
      expect(Object.keys(content?.['application/problem+json']?.examples ?? {})).not.toHaveLength(0);
    }
  },
);

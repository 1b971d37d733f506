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

type Operation = {
  operationId: string;
  security: object[];
  requestBody?: object;
  responses: Record<
    string,
    { content?: Record<string, { examples?: Record<string, { value: { status: number; detail: string } }> }> }
  >;
};
const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((methods) =>
  Object.values(methods),
);

test.each(operations.map((operation) => [operation.operationId, operation] as const))(
  '%s declares its refusals, each with an example',
  (_, { security, requestBody, responses }) => {
    if (security.length > 0) {
      expect(security).toEqual([{ apiKey: [] }, { bearer: [] }]);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401', '429']));
    }
    if (requestBody) expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '413', '415']));
    for (const [status, { content }] of Object.entries(responses)) {
      if (!/^[45]\d\d$/.test(status)) continue;
      for (const { value } of Object.values(content?.['application/problem+json']?.examples ?? {})) {
        expect(value.status).toBe(Number(status));
        expect(value.detail).toEqual(expect.any(String));
      }
      expect(Object.keys(content?.['application/problem+json']?.examples ?? {})).not.toHaveLength(0);
    }
  },
);

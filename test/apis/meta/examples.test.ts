import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { OPENAPI_FILE } from '../../../openapi/generate.ts';
import { FIRST_KEY, type Running, register, sqlIn, startService } from '../../support/keyhearth.ts';
import { peopled } from '../../support/people.ts';

/** Sends the examples of the document, as the pages at /docs and /redoc would fill them in. */

type Schema = { $ref?: string; example?: unknown; properties?: Record<string, Schema>; items?: Schema };
type Operation = {
  operationId: string;
  tags: string[];
  security: object[];
  parameters?: { name: string; in: string; example?: unknown; schema: Schema }[];
  requestBody?: { content: Record<string, { example?: unknown; schema: Schema }> };
};

const document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8'));

const operations = Object.entries<Record<string, Operation>>(document.paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
  // The key of the examples is needed until the last of them has been sent.
  .sort((one, other) => place(one) - place(other));

function place({ method, operation }: { method: string; operation: Operation }): number {
  const { operationId } = operation;
  if (operationId === 'proxyhatLogout') return 3;
  if (operationId === 'deleteSelf') return 3;
  if (method === 'delete' && !['clearLockout', 'resetTwoFactor'].includes(operationId)) return 2;
  return ['deactivateKey', 'rotateSelf', 'resetTwoFactor'].includes(operationId) ? 1 : 0;
}

function exampleOf(schema: Schema): unknown {
  const { $ref, example, properties, items } = schema;
  if ($ref !== undefined) return exampleOf(document.components.schemas[$ref.replace(/.*\//, '')]);
  if (example !== undefined) return example;
  if (items) return [exampleOf(items)];
  if (!properties) return undefined;
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, exampleOf(property)]),
  );
}

function callOf(path: string, { parameters = [], requestBody }: Operation) {
  let target = path;
  const query = new URLSearchParams();
  for (const parameter of parameters) {
    const value = parameter.example ?? parameter.schema.example;
    if (parameter.in === 'path') target = target.replace(`{${parameter.name}}`, String(value));
    if (parameter.in === 'query' && value !== undefined) query.set(parameter.name, String(value));
  }
  const media = requestBody?.content['application/json'];
  const body = media && (media.example ?? exampleOf(media.schema));
  return {
    path: query.size > 0 ? `${target}?${query}` : target,
    ...(body !== undefined && { body: body as object }),
  };
}

const SOMEBODY = { email: 'ops@example.com', password: 'correct horse battery staple' };

let keyhearth: Running;
let accessToken: string;
beforeAll(async () => {
  const gateway = mkdtempSync(join(tmpdir(), 'keyhearth-examples-'));
  writeFileSync(join(gateway, 'claude-ada@example.com.json'), TOKENS, { mode: 0o600 });
  writeFileSync(join(gateway, 'config.yaml'), GATEWAY, { mode: 0o600 });
  keyhearth = await startService({ env: { KEYHEARTH_GATEWAY_CONFIG: join(gateway, 'config.yaml') } });
  await register(keyhearth.send);
  await keyhearth.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
  await keyhearth.send({ method: 'POST', path: '/auth/setup', key: FIRST_KEY, body: SOMEBODY });
  const signedIn = await keyhearth.send({ method: 'POST', path: '/v1/auth/login', body: SOMEBODY });
  accessToken = signedIn.json.access_token;
  await keyhearth.send({ method: 'POST', path: '/v1/profile/api-keys', headers: credentialFor('/v1/') });
  await sqlIn(
    keyhearth.dataDir,
    `insert into accounts select '${ACCOUNT_ID}', 'other@example.com', name, 'member', '', 1, password_hash,
     'sealed', 1, 0, null, created_at, null from accounts`,
  );
  return async () => {
    await keyhearth.close();
    rmSync(gateway, { recursive: true });
  };
});

/** A session whose id is that of the examples, and a provider. */
const TOKENS =
  '{"type": "claude", "email": "ada@example.com", "access_token": "a-token", "refresh_token": "r"}';
const GATEWAY = `
port: 0
auth-dir: .
api-keys: []
oauth:
  anthropic: { client-id: id, authorize-url: "https://a.example.com", token-url: "https://t.example.com", scopes: [] }
`;

/** The id of the examples. */
const ACCOUNT_ID = '8b1a9953-c461-4a0c-8f5a-0c1b1f9c1f5e';

/** A code of the example is not one of this moment. */
const NEED_A_CODE = [
  'confirmTwoFactor',
  'disableTwoFactor',
  'proxyhatConfirmTwoFactor',
  'proxyhatDisableTwoFactor',
  'proxyhatDisableTwoFactorByRecoveryCode',
];

const NEED_A_NEW_SERVICE = ['registerKey', 'setUp', 'login', 'proxyhatLogin', 'proxyhatRegister'];

/** Routes for people, with an account of their own. */
const ownAccount = operations.filter(({ operation: { tags } }) => tags.includes('Your own account'));

test.each(ownAccount.map((each) => [each.operation.operationId, each] as const))(
  'the example of %s succeeds for a person',
  async (id, { method, path, operation }) => {
    const { admin } = await peopled();
    if (id !== 'beginTwoFactor') await admin('POST', '/auth/self/two-factor');
    const { path: target, body } = callOf(path, operation);
    const answer = await admin(method.toUpperCase(), target, body);
    if (!NEED_A_CODE.includes(id)) return expect(answer.status, answer.text).toBeLessThan(300);
    expect(answer.json).toMatchObject({
      code: expect.stringMatching(/^(invalid_two_factor_code|two_factor_not_enabled)$/),
    });
  },
);

/** The ProxyHat API takes the credentials of people. */
const credentialFor = (path: string): Record<string, string> =>
  path.startsWith('/v1/') ? { Authorization: `Bearer ${accessToken}` } : { 'X-API-Key': FIRST_KEY };

const forKeys = operations.filter((each) => !ownAccount.includes(each));

test.each(forKeys.map((each) => [each.operation.operationId, each] as const))(
  'the example of %s succeeds',
  async (id, { method, path, operation }) => {
    const env = { KEYHEARTH_REGISTRATION: 'open' };
    const fresh = NEED_A_NEW_SERVICE.includes(id) ? await startService({ env }) : undefined;
    const { send } = fresh ?? keyhearth;
    if (id === 'proxyhatRegister') await register(send);
    if (/login$/i.test(id)) await send({ method: 'POST', path: '/auth/setup', body: SOMEBODY });
    const headers = operation.security.length > 0 ? credentialFor(path) : {};
    const answer = await send({ method: method.toUpperCase(), ...callOf(path, operation), headers });
    await fresh?.close();
    if (NEED_A_CODE.includes(id)) return expect([409, 422]).toContain(answer.status);
    // Nobody can have the token of the example.
    if (id === 'acceptInvitation') return expect(answer.json).toMatchObject({ code: 'invalid_invitation' });
    expect({ status: answer.status, text: answer.text }).toMatchObject({
      status: expect.toSatisfy((s) => s < 300),
    });
  },
);

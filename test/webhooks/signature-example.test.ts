import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf } from '../docs/blocks.ts';
import { bootstrapped, temporaryDirectory } from '../support/keyhearth.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

type Example = {
  isFromKeyhearth(
    headers: Record<string, unknown>,
    body: string | Buffer,
    secret: string,
    now?: number,
  ): boolean;
};

/** The code of the page, as a module. */
async function example(): Promise<Example> {
  const code = blocksOf('docs/webhooks.md').find(({ language }) => language === 'js')?.text ?? '';
  const path = join(temporaryDirectory(), 'example.mjs');
  writeFileSync(path, code);
  return import(/* @vite-ignore */ path);
}

/** The first event that a new service sends. */
async function delivery(): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: Buffer }>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    resolve({ headers: request.headers, body: Buffer.concat(chunks) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await bootstrapped({ env: { KEYHEARTH_WEBHOOK_URL: url, KEYHEARTH_WEBHOOK_SECRET: SECRET } });
  return promise;
}

test('the code of the page accepts what a service sends, and nothing else', async () => {
  const { isFromKeyhearth } = await example();
  const { headers, body } = await delivery();
  const at = Number(headers['webhook-timestamp']);
  const accepts = (changed: Record<string, unknown> = {}, sent: string | Buffer = body) =>
    isFromKeyhearth({ ...headers, ...changed }, sent, SECRET);
  expect(accepts()).toBe(true);
  expect(accepts({}, String(body))).toBe(true);
  expect(accepts({ 'webhook-signature': `v1,AAAA v2,AAAA ${headers['webhook-signature']}` })).toBe(true);
  expect(isFromKeyhearth(headers, body, SECRET, at + 300)).toBe(true);

  expect(isFromKeyhearth(headers, body, SECRET, at + 301)).toBe(false);
  expect(isFromKeyhearth(headers, body, SECRET, at - 301)).toBe(false);
  expect(isFromKeyhearth(headers, body, OTHER)).toBe(false);
  expect(accepts({}, `${body} `)).toBe(false);
  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
    for (const value of [undefined, '', 'x', `${headers[name]}0`])
      expect({ name, value, accepted: accepts({ [name]: value }) }).toEqual({ name, value, accepted: false });
  expect(
    accepts({ 'webhook-signature': headers['webhook-signature']?.toString().replace('v1,', 'v2,') }),
  ).toBe(false);
});

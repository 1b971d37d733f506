import createClient from 'openapi-fetch';
import type { paths } from './generated/schema.d.ts';

/** The life of a key, with a client of openapi-fetch and the types of openapi-typescript. */

const { KEYHEARTH_URL: baseUrl = 'http://127.0.0.1:8800', KEYHEARTH_KEY = '' } = process.env;
const client = createClient<paths>({ baseUrl, headers: { 'X-API-Key': KEYHEARTH_KEY } });

function must<Data>({ data, error }: { data?: Data; error?: { detail: string } }): NonNullable<Data> {
  if (error !== undefined) throw new Error(error.detail);
  if (data === undefined || data === null) throw new Error('the answer is empty');
  return data;
}

await client.POST('/auth/register-key', { body: { api_key: KEYHEARTH_KEY, label: 'first' } });
const created = must(
  await client.POST('/auth/keys', { body: { label: 'shop', scopes: ['invoices:read'], expires_in: '1h' } }),
);
const path = { id: created.id };

async function codeOf(key: string): Promise<string> {
  const answer = must(await client.POST('/auth/verify', { body: { key, scope: ['invoices:read'] } }));
  return 'code' in answer ? answer.code : 'several';
}

const codes = [await codeOf(created.raw_key)];
must(await client.PATCH('/auth/keys/{id}', { params: { path }, body: { label: 'shop 2' } }));
must(await client.POST('/auth/keys/{id}/deactivate', { params: { path } }));
codes.push(await codeOf(created.raw_key));
must(await client.POST('/auth/keys/{id}/activate', { params: { path } }));
const rotated = must(
  await client.POST('/auth/keys/{id}/rotate', { params: { path }, body: { grace: '1m' } }),
);
codes.push(await codeOf(rotated.raw_key));
const page = must(
  await client.GET('/auth/keys', { params: { query: { label: 'shop', sort: 'created_at' } } }),
);
const labels = page.keys.map(({ label }) => label);
const deleted = await client.DELETE('/auth/keys/{id}', { params: { path: { id: rotated.id } } });
codes.push(await codeOf(rotated.raw_key));
process.stdout.write(JSON.stringify({ codes, labels, deleted: deleted.response.status }));

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayService } from '../support/gateway.ts';
import { startUpstream } from '../support/upstream.ts';

const KEY = 'team-a-key-abc123-with-32-characters';

test('a file of the original works: its keys, its management key, and what they use', async () => {
  const upstream = await startUpstream();
  const { ask, file } = await gatewayService(`
api-keys:
  - ${KEY} # Team A
remote-management:
  secret-key: "a management key"
openai-compatibility:
  - name: local
    base-url: ${upstream.origin}/v1
    api-key-entries: [{ api-key: upstream-key }]
`);
  expect(readFileSync(file, 'utf8')).toMatch(/^ {2}secret-key: "\$2b\$/m);
  const headers = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
  for (const stream of [false, true]) {
    const { status } = await ask({
      method: 'POST',
      path: '/v1/chat/completions',
      headers,
      body: JSON.stringify({
        ...{ model: 'small', messages: [{ role: 'user', content: 'Hello' }] },
        ...{ stream, stream_options: { include_usage: true } },
      }),
    });
    expect(status).toBe(200);
  }
  const { json } = await ask({
    path: '/v0/management/usage',
    headers: { Authorization: 'Bearer a management key' },
  });
  expect(json).toMatchObject({
    usage: { total_requests: 2, success_count: 2, failure_count: 0, total_tokens: 22 },
    failed_requests: 0,
  });
  const [[name, counts] = []] = Object.entries((json as { usage: { apis: object } }).usage.apis);
  expect(name).toMatch(/^\d+: Team A$/);
  expect(counts).toEqual({
    ...{ total_requests: 2, total_tokens: 22 },
    models: { small: { total_requests: 2, total_tokens: 22 } },
  });
});

import { describe, expect, test } from 'vitest';
import { managed } from '../../support/management.ts';

const FILE = `api-keys: [team-a-key-abc123-0123456789abcdef]
claude-api-key:
  - api-key: "sk-ant-1" # of the company
    prefix: "production"
    base-url: "https://api.anthropic.com"
  - { api-key: sk-ant-2, base-url: "https://one.example.com" }
  - { api-key: sk-ant-2, base-url: "https://two.example.com" }
openai-compatibility:
  - name: openrouter
    prefix: or
    base-url: https://openrouter.ai/api/v1
    models: [{ name: m, alias: a }]
    api-key-entries: [{ api-key: sk-or-1 }, { api-key: sk-or-2 }]
`;

const CLAUDE = 'claude-api-key';
const OPENAI = 'openai-compatibility';
const done = { status: 200, json: { status: 'ok' } };

const shown = async ({ manage }: Awaited<ReturnType<typeof managed>>, list = CLAUDE) =>
  (await manage({ path: list })).json[list];

describe('a list of upstream credentials', () => {
  test('is shown as the file has it', async () => {
    const gateway = await managed(FILE);
    expect(await shown(gateway)).toEqual([
      { 'api-key': 'sk-ant-1', prefix: 'production', 'base-url': 'https://api.anthropic.com' },
      { 'api-key': 'sk-ant-2', 'base-url': 'https://one.example.com' },
      { 'api-key': 'sk-ant-2', 'base-url': 'https://two.example.com' },
    ]);
    expect(await shown(gateway, OPENAI)).toMatchObject([{ name: 'openrouter', models: [{ alias: 'a' }] }]);
    expect(await shown(gateway, 'gemini-api-key')).toEqual([]);
    expect(await shown(gateway, 'codex-api-key')).toEqual([]);
  });

  test.each(['gemini-api-key', CLAUDE, 'codex-api-key'])('is replaced: %s', async (path) => {
    const gateway = await managed(FILE);
    const items = [
      { 'api-key': 'new-1' },
      { 'api-key': 'new-2', prefix: 'p', 'base-url': 'https://x.example.com' },
    ];
    expect(await gateway.manage({ method: 'PUT', path, body: { items } })).toMatchObject(done);
    expect(await shown(gateway, path)).toEqual(items);
    expect(await gateway.manage({ method: 'PUT', path, body: [] })).toMatchObject(done);
    expect(await shown(gateway, path)).toEqual([]);
  });

  test.each([
    { match: 'sk-ant-1', value: { prefix: 'other' } },
    { index: 0, value: { prefix: 'other' } },
  ])('is changed: %j', async (body) => {
    const gateway = await managed(FILE);
    expect(await gateway.manage({ method: 'PATCH', path: CLAUDE, body })).toMatchObject(done);
    expect(await shown(gateway)).toMatchObject([
      { 'api-key': 'sk-ant-1', prefix: 'other', 'base-url': 'https://api.anthropic.com' },
      {},
      {},
    ]);
    expect(gateway.read()).toContain('# of the company');
  });

  test('of an upstream with a name is changed by it', async () => {
    const gateway = await managed(FILE);
    for (const [field, prefix] of [
      ['match', 'x'],
      ['name', 'y'],
    ] as const) {
      const body = { [field]: 'openrouter', value: { prefix } };
      expect(await gateway.manage({ method: 'PATCH', path: OPENAI, body })).toMatchObject(done);
      expect(await shown(gateway, OPENAI)).toMatchObject([{ name: 'openrouter', prefix }]);
    }
  });

  test('loses an item by its key, and needs the base URL where the key stands twice', async () => {
    const gateway = await managed(FILE);
    const remove = (query: string) => gateway.manage({ method: 'DELETE', path: `${CLAUDE}?${query}` });
    expect(await remove('api-key=sk-ant-2')).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('missing base-url') } },
    });
    expect(await remove('api-key=sk-ant-2&base-url=https%3A%2F%2Fone.example.com')).toMatchObject(done);
    expect(await remove('api-key=sk-ant-1')).toMatchObject(done);
    expect(await shown(gateway)).toEqual([{ 'api-key': 'sk-ant-2', 'base-url': 'https://two.example.com' }]);
    expect(await remove('index=0')).toMatchObject(done);
    expect(await remove('index=0')).toMatchObject({ status: 404 });
  });

  test('of an upstream with several keys loses one of them', async () => {
    const gateway = await managed(FILE);
    const remove = (query: string) => gateway.manage({ method: 'DELETE', path: `${OPENAI}?${query}` });
    expect(await remove('api-key=sk-or-1')).toMatchObject(done);
    expect(await shown(gateway, OPENAI)).toMatchObject([{ 'api-key-entries': [{ 'api-key': 'sk-or-2' }] }]);
    expect(await remove('name=openrouter')).toMatchObject(done);
    expect(await shown(gateway, OPENAI)).toEqual([]);
  });

  test.each([
    ['PUT', 'null', 400],
    ['PUT', '["sk"]', 400],
    ['PUT', '[{"prefix": "x"}]', 422],
    ['PATCH', '{"match": "sk-ant-1"}', 400],
    ['PATCH', '{"value": {}}', 400],
    ['PATCH', '{"match": "sk-ant-2", "value": {"prefix": "x"}}', 400],
    ['PATCH', '{"match": "unknown", "value": {"prefix": "x"}}', 404],
    ['PATCH', '{"index": 0, "value": {"base-url": "ftp://example.com"}}', 422],
    ['DELETE', undefined, 400],
  ])('refuses %s %s', async (method, body, status) => {
    const gateway = await managed(FILE);
    const before = gateway.read();
    expect(await gateway.manage({ method, path: CLAUDE, ...(body && { body }) })).toMatchObject({ status });
    expect(gateway.read()).toBe(before);
  });

  test('has no key in the audit log', async () => {
    const gateway = await managed(FILE);
    const key = 'sk-ant-api03-0123456789abcdef';
    await gateway.manage({ method: 'PATCH', path: CLAUDE, body: { index: 0, value: { 'api-key': key } } });
    const [event] = await gateway.events('gateway.updated');
    expect(event?.changes).toMatchObject({ [CLAUDE]: { to: [{ 'api-key': '********' }] } });
    expect(JSON.stringify([event, gateway.log])).not.toContain(key);
  });
});

describe('a link-local address, where clouds give out the credentials of the machine', () => {
  const METADATA = 'http://169.254.169.254/latest';

  test.each([METADATA, 'http://[fe80::1]', 'http://100.100.100.200', 'http://2852039166'])(
    'cannot be set: %s',
    async (url) => {
      const gateway = await managed(FILE);
      const before = gateway.read();
      const calls = [
        { method: 'PUT', path: CLAUDE, body: [{ 'api-key': 'a', 'base-url': url }] },
        { method: 'PATCH', path: OPENAI, body: { index: 0, value: { 'base-url': url } } },
        { method: 'PUT', path: 'config.yaml', body: `${before}ampcode: { upstream-url: "${url}" }\n` },
        {
          method: 'PUT',
          path: 'config.yaml',
          body: `${before}oauth: { codex: { base-url: "${url}", token-url: "https://one.example.com" } }\n`,
        },
      ];
      for (const call of calls) expect(await gateway.manage(call)).toMatchObject({ status: 422 });
      expect(gateway.read()).toBe(before);
    },
  );

  test('that is in the file already may stay', async () => {
    const gateway = await managed(FILE.replace('https://one.example.com', METADATA));
    const call = { method: 'PATCH', path: CLAUDE, body: { index: 0, value: { prefix: 'other' } } };
    expect(await gateway.manage(call)).toMatchObject(done);
    expect(await shown(gateway)).toMatchObject([{ prefix: 'other' }, { 'base-url': METADATA }, {}]);
  });
});

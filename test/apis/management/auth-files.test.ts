import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { managed } from '../../support/management.ts';

const FILE = 'api-keys: [team-a-key-abc123-0123456789abcdef]\n';
const path = 'auth-files';

const account = (email: string) =>
  `{"type": "codex",  "email": "${email}", "access_token": "token-of-${email}"}\n`;

type Managed = Awaited<ReturnType<typeof managed>>;

/** A form with files, as the control panel and curl send it. */
async function uploadForm(
  { manage }: Managed,
  files: [string, string][],
  fields: Record<string, string> = {},
) {
  const form = new FormData();
  for (const [name, content] of files)
    form.append('file', new File([content], name, { type: 'application/json' }));
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const request = new Request('http://localhost', { method: 'POST', body: form });
  return manage({
    method: 'POST',
    path,
    headers: { 'Content-Type': request.headers.get('Content-Type') ?? '' },
    body: new Uint8Array(await request.arrayBuffer()),
  });
}

const listed = async ({ manage }: Managed) => (await manage({ path })).json.files;

describe('uploading', () => {
  test('takes several files of a form, and lists them', async () => {
    const gateway = await managed(FILE);
    const files: [string, string][] = [
      ['a.json', account('ada@example.com')],
      ['b.json', '{}'],
    ];
    expect(await uploadForm(gateway, files, { channel: 'vertex', prefix: 'prod' })).toMatchObject({
      status: 200,
      json: { status: 'ok', uploaded: 2 },
    });
    expect(await listed(gateway)).toEqual([
      {
        name: 'a.json',
        size: account('ada@example.com').length,
        modtime: expect.stringMatching(/Z$/),
        type: 'codex',
        email: 'ada@example.com',
      },
      { name: 'b.json', size: 2, modtime: expect.any(String), type: 'unknown', email: '' },
    ]);
    expect(statSync(join(gateway.authDir, 'a.json')).mode & 0o777).toBe(0o600);
    expect((await gateway.manage({ path: 'sessions' })).json.sessions).toMatchObject([
      { name: 'a.json', provider: 'google', prefix: 'prod', status: 'active', email: 'ada@example.com' },
    ]);
  });

  test('takes a body as one file, byte for byte', async () => {
    const gateway = await managed(FILE);
    const content = `\r\n ${account('ada@example.com')} \r\n`;
    const headers = { 'Content-Type': 'application/json' };
    const answer = await gateway.manage({
      method: 'POST',
      path: `${path}?name=a.json`,
      body: content,
      headers,
    });
    expect(answer).toMatchObject({ status: 200, json: { status: 'ok', uploaded: 1 } });
    expect(readFileSync(join(gateway.authDir, 'a.json'), 'utf8')).toBe(content);
    const download = await gateway.manage({ path: `${path}/download?name=a.json` });
    expect(download.text).toBe(content);
    expect(download.headers['content-disposition']).toBe("attachment; filename*=UTF-8''a.json");
    expect(download.headers['cache-control']).toBe('no-store');
  });

  test('of some files that are refused keeps the others, and leaves what was there', async () => {
    const gateway = await managed(FILE);
    await uploadForm(gateway, [['b.json', '{"type": "old"}']]);
    const answer = await uploadForm(gateway, [
      ['a.json', '{}'],
      ['b.json', 'not JSON'],
      ['c.txt', '{}'],
    ]);
    expect(answer).toMatchObject({
      status: 207,
      json: { status: 'partial', uploaded: 1, failed: [{ name: 'b.json' }, { name: 'c.txt' }] },
    });
    expect(readdirSync(gateway.authDir)).toEqual(['a.json', 'b.json']);
    expect(readFileSync(join(gateway.authDir, 'b.json'), 'utf8')).toBe('{"type": "old"}');
  });

  test('says what it replaces and what is not used, in the answer, the list and the audit log', async () => {
    const gateway = await managed(FILE);
    await uploadForm(gateway, [['a.json', account('ada@example.com')]]);
    const reason = expect.stringContaining('the key of a service account');
    const answer = await uploadForm(
      gateway,
      [
        ['a.json', account('bob@example.com')],
        ['sa.json', '{"type": "service_account", "private_key": "a secret"}'],
      ],
      { channel: 'vertex', prefix: 'prod' },
    );
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.json).toEqual({
      ...{ status: 'ok', uploaded: 2, replaced: ['a.json'] },
      unused: [{ name: 'sa.json', reason }],
    });
    const [first, second] = await listed(gateway);
    expect(first).not.toHaveProperty('unavailable');
    expect(second).toMatchObject({ name: 'sa.json', unavailable: true, status_message: reason });
    const [event] = await gateway.events('gateway.files_uploaded');
    expect(event?.changes).toEqual({ files: { from: ['a.json'], to: ['a.json', 'sa.json'] } });
    expect(JSON.stringify(gateway.log)).toContain('auth-dir has files that are not used: sa.json');
    expect(JSON.stringify([answer.json, gateway.log])).not.toContain('a secret');
  });

  test.each([
    ...[
      '../a.json',
      '/etc/a.json',
      '..\\a.json',
      'dir/a.json',
      '.a.json',
      'a.txt',
      'a.json.keyhearth',
      '.json',
    ],
    ...['a\n.json', 'a\0.json', `${'a'.repeat(300)}.json`, '', ' '],
  ])('refuses the name %j', async (name) => {
    const gateway = await managed(FILE);
    const body = '{}';
    const query = `?name=${encodeURIComponent(name)}`;
    expect(await gateway.manage({ method: 'POST', path: path + query, body })).toMatchObject({ status: 400 });
    expect(existsSync(gateway.authDir)).toBe(false);
  });

  test.each(['', 'x', '[]', '"text"', 'null', '{"a": 1} {}'])('refuses the content %j', async (body) => {
    const gateway = await managed(FILE);
    const answer = await gateway.manage({ method: 'POST', path: `${path}?name=a.json`, body });
    expect(answer).toMatchObject({ status: 400, json: { error: { type: 'invalid_request_error' } } });
  });

  test.each([
    [{ channel: 'unknown' }, 'channel'],
    [{ prefix: 'a/b' }, 'prefix'],
  ])('refuses a form field that means nothing: %j', async (fields, named) => {
    const gateway = await managed(FILE);
    const answer = await uploadForm(gateway, [['a.json', '{}']], fields as unknown as Record<string, string>);
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining(named) } },
    });
  });

  test('refuses files that are too large, and forms that are', async () => {
    const gateway = await managed(FILE);
    const large = `{"a": "${'x'.repeat(300 * 1024)}"}`;
    expect(await uploadForm(gateway, [['a.json', large]])).toMatchObject({ status: 400 });
    const body = 'x'.repeat(9 * 1024 * 1024);
    expect(await gateway.manage({ method: 'POST', path: `${path}?name=a.json`, body })).toMatchObject({
      status: 413,
    });
  });

  test.each(['multipart/form-data', 'multipart/form-data; boundary=x'])(
    'refuses a broken form: %s',
    async (type) => {
      const { manage } = await managed(FILE);
      const headers = { 'Content-Type': type };
      expect(await manage({ method: 'POST', path, headers, body: 'x' })).toMatchObject({
        status: 400,
        json: { error: { message: 'invalid body' } },
      });
    },
  );

  test('is an audit event without what is in the files', async () => {
    const gateway = await managed(FILE);
    await uploadForm(gateway, [['a.json', account('ada@example.com')]]);
    const events = await gateway.events('gateway.files_uploaded');
    expect(events).toMatchObject([
      { actor_kind: 'management', address: '127.0.0.1', changes: { files: { from: [], to: ['a.json'] } } },
    ]);
    expect(JSON.stringify([events, gateway.log])).not.toContain('token-of');
  });
});

describe('deleting', () => {
  async function withFiles() {
    const gateway = await managed(FILE);
    await uploadForm(
      gateway,
      ['a.json', 'b.json', 'c.json'].map((name) => [name, '{}']),
      { prefix: 'p' },
    );
    return gateway;
  }

  test.each([
    ['?name=a.json', undefined, 1],
    ['?name=a.json&name=b.json', undefined, 2],
    ['', { names: ['a.json', 'c.json'] }, 2],
    ['?all=true', undefined, 3],
  ])('removes what is named: %s %j', async (query, body, deleted) => {
    const gateway = await withFiles();
    const answer = await gateway.manage({ method: 'DELETE', path: path + query, ...(body && { body }) });
    expect(answer).toMatchObject({ status: 200, json: { status: 'ok', deleted } });
    expect(await listed(gateway)).toHaveLength(3 - deleted);
    expect(readdirSync(gateway.authDir)).toHaveLength(2 * (3 - deleted));
  });

  test('removes the others when one is unknown', async () => {
    const gateway = await withFiles();
    const answer = await gateway.manage({ method: 'DELETE', path: `${path}?name=a.json&name=x.json` });
    expect(answer).toMatchObject({ status: 207, json: { deleted: 1, failed: [{ name: 'x.json' }] } });
  });

  test.each(['x.json', '../config.yaml', '..%2Fconfig.yaml', 'a.json.keyhearth'])(
    'finds no %s',
    async (name) => {
      const gateway = await withFiles();
      const answer = await gateway.manage({ method: 'DELETE', path: `${path}?name=${name}` });
      expect(answer).toMatchObject({ status: 404, json: { error: { message: 'file not found' } } });
      expect(await gateway.manage({ path: `${path}/download?name=${name}` })).toMatchObject({ status: 404 });
      expect(await listed(gateway)).toHaveLength(3);
      expect(existsSync(gateway.file)).toBe(true);
    },
  );

  test.each(['', '?name=', '?all=false'])('needs to know what: %s', async (query) => {
    const gateway = await withFiles();
    expect(await gateway.manage({ method: 'DELETE', path: path + query })).toMatchObject({ status: 400 });
    expect(await listed(gateway)).toHaveLength(3);
  });
});

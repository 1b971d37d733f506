import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gatewayService } from '../../support/gateway.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';
import { managed } from '../../support/management.ts';

const KEY = 'team-a-key-abc123-0123456789abcdef';
const FILE = `# Written by hand
api-keys:
  - ${KEY} # Team A
remote-management: { allow-remote: false }
claude-api-key: [{ api-key: sk-ant-0123456789abcdef }]
`;

const path = 'config.yaml';
const put = (body: string, type = 'application/yaml') => ({
  method: 'PUT',
  path,
  body,
  headers: { 'Content-Type': type },
});
const saved = { status: 200, json: { ok: true, changed: ['config'] } };

describe('the control panel', () => {
  test('signs in, reads the file, reads it again and saves it', async () => {
    const gateway = await managed(FILE);
    const { json } = await gateway.manage({ path: 'config' });
    expect(json).toMatchObject({ 'api-keys': [KEY], 'claude-api-key': [{ 'api-key': '********' }] });
    const first = await gateway.manage({ path });
    expect(first.headers['content-type']).toBe('application/yaml; charset=utf-8');
    expect(first.text).toBe(gateway.read());
    expect((await gateway.manage({ path })).text).toBe(first.text);
    const text = first.text.replace('# Written by hand', '# Written by the panel: ü 🎉');
    expect(await gateway.manage(put(text))).toMatchObject(saved);
    expect(gateway.read()).toBe(text);
    expect((await gateway.manage({ path })).text).toBe(text);
  });

  test.each(['application/yaml', 'application/json', 'application/x-yaml', 'text/yaml', 'text/plain', ''])(
    'may label the file as it likes: %s',
    async (type) => {
      const gateway = await managed(FILE);
      const text = `${gateway.read()}ws-auth: false\n`;
      expect(await gateway.manage(put(text, type))).toMatchObject(saved);
      expect(gateway.read()).toBe(text);
      expect((await gateway.manage({ path: 'ws-auth' })).json).toEqual({ 'ws-auth': false });
    },
  );

  test('gets the reason in place of the fields while the file is not YAML', async () => {
    const gateway = await managed(FILE);
    writeFileSync(gateway.file, 'api-keys: [');
    const { status, json } = await gateway.manage({ path: 'config' });
    expect(status).toBe(400);
    expect(json).toMatchObject({
      error: { type: 'invalid_yaml', message: expect.stringMatching(/^Line 1 /) },
    });
    expect((await gateway.manage({ path })).text).toBe('api-keys: [');
  });

  test('is a page from the disk, unless it is switched off', async () => {
    const panel = join(temporaryDirectory(), 'management.html');
    writeFileSync(panel, '<html>panel</html>');
    const file = (rest: string) => `api-keys: [${KEY}]\nremote-management: { panel-file: ${panel}${rest} }\n`;
    const { ask } = await managed(file(''));
    expect(await ask('/management.html')).toMatchObject({
      status: 200,
      text: '<html>panel</html>',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
    const off = await managed(file(', disable-control-panel: true'));
    expect(await off.ask('/management.html')).toMatchObject({ status: 404 });
    const none = await managed(FILE);
    expect(await none.ask('/management.html')).toMatchObject({
      status: 404,
      json: { error: { message: 'Not Found', type: 'not_found' } },
    });
  });
});

describe('a new file', () => {
  test.each([
    ['api-keys: [', 400, 'invalid_yaml'],
    ['api-keys: text\n', 422, 'invalid_config'],
    ['api-keys: [short]\n', 422, 'invalid_config'],
    ['', 400, 'invalid_request_error'],
    [' \n', 400, 'invalid_request_error'],
  ])('that is invalid leaves the old one: %j', async (text, status, type) => {
    const gateway = await managed(FILE);
    const before = gateway.read();
    const answer = await gateway.manage(put(text));
    expect(answer).toMatchObject({ status, json: { error: { type } } });
    expect(gateway.read()).toBe(before);
    expect(await gateway.events('gateway.updated')).toEqual([]);
  });

  test.each([
    ['remote-management.panel-file', { 'allow-remote: false': 'panel-file: /etc/other.html' }],
    ['remote-management.allow-remote', { 'allow-remote: false': 'allow-remote: true' }],
    ['auth-dir', { 'auth-dir: ': 'auth-dir: /etc' }],
    ['tls', { '# Written by hand': 'tls: { enable: true, cert: /cert.pem, key: /key.pem }' }],
    ['host', { '# Written by hand': 'host: 0.0.0.0' }],
    ['allow-unauthenticated-remote', { '# Written by hand': 'allow-unauthenticated-remote: true' }],
    ['api-keys', { [`  - ${KEY} # Team A\n`]: '', 'api-keys:': 'api-keys: []' }],
  ])('may not change %s', async (field, replacements) => {
    const gateway = await managed(FILE);
    const before = gateway.read();
    let text = before;
    for (const [from, to] of Object.entries(replacements)) text = text.replace(from, to);
    expect(text).not.toBe(before);
    const answer = await gateway.manage(put(text));
    expect(answer).toMatchObject({
      status: 422,
      json: { error: { message: expect.stringContaining(field) } },
    });
    expect(gateway.read()).toBe(before);
  });

  test('may leave an address that waits for a restart', async () => {
    const gateway = await managed(FILE);
    appendFileSync(gateway.file, 'host: localhost\nws-auth: false\n');
    const isRead = async () => (await gateway.manage({ path: 'ws-auth' })).json['ws-auth'] === false;
    await expect.poll(isRead).toBe(true);
    expect(await gateway.manage(put(`${gateway.read()}# more\n`))).toMatchObject(saved);
  });

  test('may write a default out', async () => {
    const gateway = await managed(FILE);
    const text = `${gateway.read()}host: 127.0.0.1\ntls: { enable: false }\nallow-unauthenticated-remote: false\n`;
    expect(await gateway.manage(put(text))).toMatchObject(saved);
  });

  test('is an audit event with what changed', async () => {
    const gateway = await managed(FILE);
    const text = gateway.read().replace('sk-ant-0123456789abcdef', 'sk-ant-fedcba9876543210');
    await gateway.manage(put(`${text}ws-auth: false\n`));
    const [event] = await gateway.events('gateway.updated');
    expect(event?.changes).toEqual({
      'claude-api-key': { from: [{ 'api-key': '********' }], to: [{ 'api-key': '********' }] },
      'ws-auth': { from: null, to: false },
    });
  });

  test('that is too large is refused', async () => {
    const { manage } = await managed(FILE);
    expect(await manage(put('#'.repeat(3 * 1024 * 1024)))).toMatchObject({ status: 413 });
  });
});

describe('a part of the file that another field uses', () => {
  const MANAGEMENT = 'remote-management: *shared';
  const shared = (user: string) => `api-keys: [${KEY}]
codex-api-key:
  - &shared { api-key: sk-0123456789abcdef, base-url: "https://one.example.com" }
${user}
`;
  const tls = { enable: true, cert: '/cert.pem', key: '/key.pem' };

  test.each([
    ['remote-management.panel-file', MANAGEMENT, { 'panel-file': '/etc/other.html' }],
    ['remote-management.allow-remote', MANAGEMENT, { 'allow-remote': true }],
    ['remote-management.allow-remote', 'remote-management: { <<: *shared }', { 'allow-remote': true }],
    ['tls', 'tls: *shared', tls],
    ['host', '<<: *shared', { host: '0.0.0.0' }],
    ['allow-unauthenticated-remote', '<<: *shared', { 'allow-unauthenticated-remote': true }],
  ])('does not change %s: %s', async (field, user, value) => {
    const gateway = await managed(shared(user));
    const before = gateway.read();
    const answer = await gateway.manage({
      method: 'PATCH',
      path: 'codex-api-key',
      body: { index: 0, value },
    });
    expect(answer).toMatchObject({
      status: 422,
      json: { error: { message: expect.stringContaining(field) } },
    });
    expect(gateway.read()).toBe(before);
    expect(await gateway.events('gateway.updated')).toEqual([]);
  });

  test('may be changed when the other field may be', async () => {
    const gateway = await managed(shared('ampcode: *shared'));
    const body = { index: 0, value: { 'upstream-url': 'https://two.example.com' } };
    expect(await gateway.manage({ method: 'PATCH', path: 'codex-api-key', body })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ['DELETE', undefined],
    ['PUT', []],
  ])('is not removed by %s', async (method, body) => {
    const gateway = await managed(shared('ampcode: *shared'));
    const before = gateway.read();
    const path = body ? 'codex-api-key' : 'codex-api-key?index=0';
    expect(await gateway.manage({ method, path, ...(body && { body }) })).toEqual(
      expect.objectContaining({
        status: 422,
        json: {
          error: {
            type: 'invalid_config',
            message: 'Another part of the file uses this part with "*"; edit the file itself.',
          },
        },
      }),
    );
    expect(gateway.read()).toBe(before);
  });

  test('may not become the hash of a new management key where it is a locked field', async () => {
    const gateway = await managed(FILE);
    const text = gateway
      .read()
      .replace(/^auth-dir: .*\n/m, '')
      .replace('{ allow-remote: false }', `{ secret-key: &key "${gateway.authDir}" }\nauth-dir: *key`);
    const before = gateway.read();
    expect(await gateway.manage(put(text))).toMatchObject({
      status: 422,
      json: { error: { message: expect.stringContaining('auth-dir') } },
    });
    expect(gateway.read()).toBe(before);
  });
});

describe('ws-auth', () => {
  test.each(['PUT', 'PATCH'])('is switched by %s', async (method) => {
    const gateway = await managed(FILE);
    for (const value of [false, true]) {
      const answer = await gateway.manage({ method, path: 'ws-auth', body: { value } });
      expect(answer).toMatchObject({ status: 200, json: { status: 'ok' } });
      expect((await gateway.manage({ path: 'ws-auth' })).json).toEqual({ 'ws-auth': value });
    }
  });

  test.each(['null', '{}', '{"value": "true"}', 'true'])('takes no %s', async (body) => {
    const { manage } = await managed(FILE);
    expect(await manage({ method: 'PUT', path: 'ws-auth', body })).toMatchObject({ status: 400 });
  });
});

test('a secret in the file is a hash for the panel', async () => {
  const gateway = await managed(FILE.replace('{ allow-remote: false }', '{ secret-key: in-the-file }'), {
    env: { MANAGEMENT_PASSWORD: 'password-of-the-environment' },
  });
  const { text } = await gateway.manage({ path });
  expect(text).toMatch(/secret-key: ["']?\$2[aby]\$/);
  expect((await gateway.manage({ path: 'config' })).text).not.toContain('$2');
});

test('the secret of the file opens the API, and a new one replaces it', async () => {
  const { ask, file } = await gatewayService(
    `api-keys: [${KEY}]\nremote-management: { secret-key: first-secret }\n`,
  );
  const call = (secret: string, rest: object = {}) =>
    ask({ path: '/v0/management/config.yaml', headers: { Authorization: `Bearer ${secret}` }, ...rest });
  const { status, text } = await call('first-secret');
  expect(status).toBe(200);
  const body = text.replace(/secret-key: .*? \}/, 'secret-key: second-secret }');
  expect(await call('first-secret', { method: 'PUT', body })).toMatchObject(saved);
  expect(await call('first-secret')).toMatchObject({ status: 401 });
  expect(await call('second-secret')).toMatchObject({ status: 200 });
  expect(readFileSync(file, 'utf8')).toMatch(/secret-key: "\$2[aby]\$.{56}"/);
});

test('a secret that is removed by hand removes the API', async () => {
  const { ask, file } = await gatewayService(
    `api-keys: [${KEY}]\nremote-management: { secret-key: a-secret }\n`,
  );
  const status = async () =>
    (await ask({ path: '/v0/management/config', headers: { 'X-Management-Key': 'a-secret' } })).status;
  expect(await status()).toBe(200);
  writeFileSync(file, `port: 0\napi-keys: [${KEY}]\nremote-management: { secret-key: "" }\n`);
  await expect.poll(status).toBe(404);
});

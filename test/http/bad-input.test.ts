import { request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Call } from '../support/http.ts';
import { FIRST_KEY, type Running, register, service, startService } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';

let keyhearth: Running;
beforeAll(async () => {
  keyhearth = await startService();
  await register(keyhearth.send);
});
afterAll(() => keyhearth.close());

const send = (call: Call) => keyhearth.send({ key: FIRST_KEY, ...call });
const create = (
  body: Call['body'],
  headers: Record<string, string> = { 'Content-Type': 'application/json' },
) => send({ method: 'POST', path: '/auth/keys', headers, ...(body !== undefined && { body }) });
const countKeys = async () => (await send({ path: '/auth/keys?limit=1000' })).json.keys.length;

function expectRefusal(answer: Answer, status: number, path?: string): void {
  expect(answer.json).toMatchObject({ status, detail: expect.any(String) });
  expect(answer.status).toBe(status);
  if (path !== undefined)
    expect(answer.json.errors.map((error: { path: string }) => error.path)).toContain(path);
}

describe('bodies', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const bytes = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

  test.each<[string, Call['body'], number, string?]>([
    ['malformed JSON', '{"label": "a"', 400, ''],
    ['JSON with a trailing comma', '{"label": "a",}', 400, ''],
    ['two documents', '{}{}', 400, ''],
    ['a bare word', 'label', 400, ''],
    ['null', 'null', 400, ''],
    ['an array', '[]', 400, ''],
    ['a string', '"label"', 400, ''],
    ['a number', '1e999', 400, ''],
    ['a number for a label', '{"label": 1}', 400, 'label'],
    ['null for a label', '{"label": null}', 400, 'label'],
    ['an object for a label', '{"label": {"toString": "x"}}', 400, 'label'],
    ['a label of 201 characters', JSON.stringify({ label: 'x'.repeat(201) }), 400, 'label'],
    ['a NUL in a label', '{"label": "a\\u0000b"}', 400, 'label'],
    ['a newline in a label', '{"label": "a\\nb"}', 400, 'label'],
    ['a direction override in a label', '{"label": "\u202etxt"}', 400, 'label'],
    ['a zero-width space in a label', '{"label": "a\u200bb"}', 400, 'label'],
    ['a soft hyphen in a label', '{"label": "a\u00adb"}', 400, 'label'],
    ['half a surrogate pair in a label', '{"label": "\\ud800"}', 400, 'label'],
    ['a field that nobody knows', '{"label": "a", "role": "admin"}', 400, 'role'],
    ['__proto__', '{"__proto__": {"label": "a"}}', 400, '__proto__'],
    ['constructor', '{"constructor": {"prototype": {"label": "a"}}}', 400, 'constructor'],
    ['arrays nested 30,000 deep', nested(30_000), 400, ''],
    ['a label nested 30,000 deep', `{"label": ${nested(30_000)}}`, 400, 'label'],
    ['invalid UTF-8', bytes('{"label": "', [0xff, 0xfe], '"}'), 400, ''],
    ['overlong UTF-8', bytes('{"label": "', [0xc0, 0xaf], '"}'), 400, ''],
    ['a surrogate in UTF-8', bytes('{"label": "', [0xed, 0xa0, 0x80], '"}'), 400, ''],
    ['UTF-16', Buffer.from('{"label": "a"}', 'utf16le'), 400, ''],
    ['64 KiB and a byte', `{"label": "${'x'.repeat(64 * 1024 - 12)}"}`, 413],
    ['a megabyte', 'x'.repeat(1024 * 1024), 413],
  ])('%s: refused, and nothing stored', async (_, body, status, path) => {
    const before = await countKeys();
    expectRefusal(await create(body), status, path);
    expect(await countKeys()).toBe(before);
  });

  test.each<[string, Record<string, string>]>([
    ['no content type', {}],
    ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['plain text', { 'Content-Type': 'text/plain' }],
    ['something like JSON', { 'Content-Type': 'application/jsonp' }],
    ['two types', { 'Content-Type': 'text/plain, application/json' }],
    ['rubbish', { 'Content-Type': ';;;' }],
  ])('%s: 415, and nothing stored', async (_, headers) => {
    const before = await countKeys();
    expectRefusal(await create('{"label": "a"}', headers), 415, 'Content-Type');
    expect(await countKeys()).toBe(before);
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])(
    '%s is JSON',
    async (type) => {
      expect((await create('{"label": "a"}', { 'Content-Type': type })).status).toBe(201);
    },
  );

  test('a label of 200 characters is stored whole, also where each takes four bytes', async () => {
    for (const label of [
      'x'.repeat(200),
      '🔥'.repeat(200),
      '👩‍🚀 🏴‍☠️',
      'e\u0301'.repeat(100),
      '  spaces kept  ',
    ]) {
      const answer = await create(JSON.stringify({ label }));
      expect(answer.status).toBe(201);
      expect(answer.json.label).toBe(label);
    }
  });

  test('a body full of rubbish is not answered with as much', async () => {
    const rubbish = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, 1]));
    const answer = await create(JSON.stringify(rubbish));
    expectRefusal(answer, 400, 'f0');
    expect(answer.text.length).toBeLessThan(5_000);
  });

  test('PATCH wants a setting', async () => {
    for (const body of ['{}', '']) {
      expectRefusal(
        await send({
          method: 'PATCH',
          path: '/auth/keys/1',
          body,
          headers: { 'Content-Type': 'application/json' },
        }),
        400,
        '',
      );
    }
  });

  test('a type that asks to merge is refused, and the metadata stay', async () => {
    const { json } = await create('{"metadata": {"a": 1}}');
    const path = `/auth/keys/${json.id}`;
    for (const type of ['application/merge-patch+json', 'application/Merge-Patch+JSON; charset=utf-8']) {
      const body = '{"metadata": {"b": 2}}';
      const answer = await send({ method: 'PATCH', path, body, headers: { 'Content-Type': type } });
      expectRefusal(answer, 415, 'Content-Type');
    }
    expect((await send({ path })).json.metadata).toEqual({ a: 1 });
  });

  test('a megabyte in chunks, of no declared length, is cut off at the limit', async () => {
    const status = await new Promise((resolve, reject) => {
      const outgoing = request(
        `${keyhearth.origin}/auth/keys`,
        { method: 'POST', headers: { 'X-API-Key': FIRST_KEY, 'Content-Type': 'application/json' } },
        (incoming) => {
          incoming.resume();
          resolve(incoming.statusCode);
        },
      );
      outgoing.on('error', reject);
      for (let i = 0; i < 64; i++) outgoing.write('x'.repeat(16 * 1024));
      outgoing.end();
    });
    expect(status).toBe(413);
  });

  test('without a key, the body is not looked at', async () => {
    const answer = await keyhearth.send({
      method: 'POST',
      path: '/auth/keys',
      body: 'x'.repeat(1024 * 1024),
    });
    expect(answer.status).toBe(401);
  });

  test('whatever JSON comes, the answer is 201 or a 4xx problem, and the service lives', async () => {
    const anything = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.record({ label: fc.jsonValue() }).map((value) => JSON.stringify(value)),
      fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (body) => {
        const answer = await create(body);
        if (answer.status === 201) {
          const label = body === '' ? '' : (JSON.parse(body).label ?? '');
          expect(answer.json.label).toBe(label);
        } else {
          expectRefusal(answer, 400);
        }
      }),
      { numRuns: LONG ? 150 : 40 },
    );
  });
});

describe('ids', () => {
  const bad = [
    '0',
    '-1',
    '1e3',
    '99999999999999999999',
    '9007199254740993',
    '1.0',
    '01',
    '0x1',
    '%201',
    '1%00',
    'NaN',
    'null',
    '１',
  ];
  test.each(bad)('%j is refused, and the answer names the field', async (id) => {
    for (const [method, path] of [
      ['GET', `/auth/keys/${encodeURI(decodeURI(id))}`],
      ['DELETE', `/auth/keys/${encodeURI(decodeURI(id))}`],
      ['POST', `/auth/keys/${encodeURI(decodeURI(id))}/deactivate`],
    ] as const) {
      expectRefusal(await send({ method, path }), 400, 'id');
    }
  });
});

describe('queries', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=', 'limit'],
    ['limit=%00', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=0', 'cursor'],
    ['sort=label', 'sort'],
    ['status=gone', 'status'],
    ['source=mars', 'source'],
    ['scope=two%20scopes', 'scope'],
    ['prefix=Kh', 'prefix'],
    ['label=', 'label'],
    ['owner=%00', 'owner'],
    ['id=1', 'id'],
    ['sort=created_at&sort=created_at', 'sort'],
    ['cursor=abc', 'cursor'],
    ['cursor=1%27', 'cursor'],
    ['limti=5', 'limti'],
    ['__proto__=1', '__proto__'],
  ])('%s is refused', async (query, path) => {
    expectRefusal(await send({ path: `/auth/keys?${query}` }), 400, path);
  });
});

describe('a supplied key', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 1],
    ['an array', ['x'.repeat(40)]],
    ['a space inside', `${'x'.repeat(20)} ${'x'.repeat(20)}`],
    ['a trailing space', `${'x'.repeat(40)} `],
    ['a NUL', `${'x'.repeat(40)}\0`],
    ['a tab', `${'x'.repeat(40)}\t`],
    ['a letter outside ASCII', `${'x'.repeat(40)}é`],
    ['DEL', `${'x'.repeat(40)}\x7f`],
    ['513 characters', 'x'.repeat(513)],
    ['the shape of a generated key with a wrong checksum', `kh_${'a'.repeat(61)}`],
    ['the example of the documentation', 'kh_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLEexampl000000'],
  ])('with %s is refused, and the bootstrap stays open', async (_, api_key) => {
    const { send, log } = await service();
    const answer = await send({ method: 'POST', path: '/auth/register-key', body: { api_key } });
    expectRefusal(answer, 400, 'api_key');
    if (typeof api_key === 'string') {
      expect(answer.text).not.toContain(api_key);
      expect(JSON.stringify(log)).not.toContain(api_key.slice(0, 20));
    }
    expect((await send('/auth/bootstrap-status')).json.needs_bootstrap).toBe(true);
  });

  test('may have 512 characters, and every one counts', async () => {
    const { send } = await service();
    const key = `${'!~'.repeat(255)}ab`;
    await register(send, key);
    expect((await send({ path: '/auth/keys', key })).status).toBe(200);
    expect((await send({ path: '/auth/keys', key: `${key.slice(0, -1)}c` })).status).toBe(401);
  });

  test('that differs only after byte 72 is another key', async () => {
    const { send } = await service();
    const key = `${'k'.repeat(72)}-one`;
    await register(send, key);
    for (const other of [`${'k'.repeat(72)}-two`, 'k'.repeat(72), `${key}!`]) {
      expect((await send({ path: '/auth/keys', key: other })).status).toBe(401);
    }
    expect((await send({ path: '/auth/keys', key })).status).toBe(200);
  });
});

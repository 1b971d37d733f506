import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { client } from '../../support/http.ts';
import { operated } from '../../support/keys.ts';
import { connectRaw } from '../../support/raw.ts';

const WRONG = 'a-wrong-key-0123456789-0123456789-abc';
const behindProxy = { env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1', KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } };

test.each<[string, string[], string, number]>([
  ['the address', ['198.51.100.7'], '198.51.100.7', 200],
  ['its neighbour', ['198.51.100.7'], '198.51.100.8', 401],
  ['an address of the network', ['198.51.100.0/24'], '198.51.100.255', 200],
  ['an address outside', ['198.51.100.0/24'], '198.51.101.0', 401],
  ['the whole IPv6 address', ['2001:db8::7'], '2001:db8::7', 200],
  ['another of the same /64', ['2001:db8::7'], '2001:db8::8', 401],
  ['an IPv4 address written as IPv6', ['198.51.100.7'], '::ffff:198.51.100.7', 200],
  ['IPv4, where all of IPv6 may', ['::/0'], '198.51.100.7', 401],
  ['the last hop, which the proxy wrote', ['198.51.100.7'], '10.0.0.1, 198.51.100.7', 200],
  ['an earlier hop, which the client wrote', ['198.51.100.7'], '198.51.100.7, 10.0.0.1', 401],
  ['a hop that cannot be read', ['0.0.0.0/0', '::/0'], 'unknown', 401],
])('%s', async (_, allowed_ips, forwarded, status) => {
  const { made, send, codeOf } = await operated(behindProxy);
  const { raw_key } = await made({ allowed_ips, scopes: ['keys:read'] });
  for (const path of ['/auth/verify', '/auth/verify?x=1', '/auth/keys', '/auth/self']) {
    const answer = await send({ path, key: raw_key, headers: { 'X-Forwarded-For': forwarded } });
    expect(answer.status, path).toBe(status);
  }
  if (!forwarded.includes(',') && forwarded !== 'unknown')
    expect(await codeOf(raw_key, { ip: forwarded })).toBe(status === 200 ? 'VALID' : 'IP_NOT_ALLOWED');
  expect(await codeOf(raw_key)).toBe('IP_NOT_ALLOWED');
});

test('X-Forwarded-For of nobody trusted changes nothing', async () => {
  const { made, send } = await operated();
  const { raw_key } = await made({ allowed_ips: ['198.51.100.7'] });
  const headers = { 'X-Forwarded-For': '198.51.100.7' };
  expect((await send({ path: '/auth/verify', key: raw_key, headers })).status).toBe(401);
});

describe('the refusal from outside', () => {
  test('has the bytes of the refusal of an unknown, inactive, expired or deleted key', async () => {
    const { made, send, call, pass } = await operated({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    const inactive = await made();
    const deleted = await made();
    await call('POST', `/auth/keys/${inactive.id}/deactivate`);
    await call('DELETE', `/auth/keys/${deleted.id}`);
    const expired = await made({ expires_in: 1 });
    const elsewhere = await made({ allowed_ips: ['198.51.100.7'], scopes: [] });
    pass(1);
    for (const path of [
      '/auth/verify',
      '/auth/verify?scope=a',
      '/auth/verify?x=1',
      '/auth/keys',
      '/auth/self',
    ]) {
      const answers = [];
      for (const key of [WRONG, inactive.raw_key, deleted.raw_key, expired.raw_key, elsewhere.raw_key]) {
        const { status, headers, text } = await send({ path, key });
        const { 'x-request-id': _, date, ...others } = headers;
        answers.push({ status, others, text });
      }
      expect(answers[0]?.status).toBe(401);
      for (const answer of answers) expect(answer, path).toEqual(answers[0]);
    }
  });

  test('counts as a failed attempt, for management calls too', async () => {
    const { made, send, origin, call } = await operated();
    const { raw_key, id } = await made({ allowed_ips: ['127.0.0.1'] });
    const elsewhere = client(origin, '127.0.0.2');
    for (const [i, path] of [
      '/auth/keys',
      '/auth/self',
      '/auth/verify',
      '/auth/keys/1',
      '/auth/self',
    ].entries()) {
      const answer = await elsewhere({ path, key: raw_key });
      expect(answer.json).toMatchObject({
        status: 401,
        detail: `Invalid API key. ${4 - i} attempts remaining.`,
      });
    }
    expect((await elsewhere({ path: '/auth/self', key: raw_key })).status).toBe(429);
    expect((await send({ path: '/auth/self', key: raw_key })).status).toBe(200);
    expect((await call('GET', `/auth/keys/${id}`)).json.allowed_ips).toEqual(['127.0.0.1']);
  });
});

test('a key locks itself out from its own address only with force', async () => {
  const { made, patch, verify, get } = await operated();
  const { id, raw_key } = await made({ scopes: ['keys:write'] });
  const elsewhere = { allowed_ips: ['198.51.100.7'] };
  const refused = await patch(id, { ...elsewhere, label: 'changed' }, raw_key);
  expect(refused).toMatchObject({ status: 409, json: { code: 'caller_would_be_locked_out' } });
  expect(await get(id)).toMatchObject({ allowed_ips: [], label: '' });
  expect((await patch(id, { allowed_ips: ['127.0.0.0/8'] }, raw_key)).status).toBe(200);
  // Other keys are not the caller's own.
  const other = await made({ scopes: [] });
  expect((await patch(other.id, elsewhere)).status).toBe(200);
  expect((await patch(id, { allowed_ips: ['127.9.9.9'], force: true }, raw_key)).status).toBe(200);
  expect((await verify(raw_key)).status).toBe(401);
});

test('a made key is allowed from no more addresses than its maker, which are its defaults', async () => {
  const { made, create, patch } = await operated();
  const maker = await made({ allowed_ips: ['127.0.0.0/8', '2001:db8::/32'] });
  expect((await made({}, maker.raw_key)).allowed_ips).toEqual(['127.0.0.0/8', '2001:db8::/32']);
  const narrow = await made({ allowed_ips: ['127.0.0.1', '2001:db8:1::/48'] }, maker.raw_key);
  for (const allowed_ips of [[], ['127.0.0.0/7'], ['127.0.0.1', '10.0.0.1'], ['::/0']]) {
    const answers = [
      await create({ allowed_ips }, maker.raw_key),
      await patch(narrow.id, { allowed_ips }, maker.raw_key),
      await patch(maker.id, { allowed_ips, force: true }, maker.raw_key),
    ];
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
  }
});

test.each([
  ['its address is no longer allowed', { allowed_ips: ['198.51.100.7'] }, 401],
  ['it no longer holds the scope', { scopes: [] }, 403],
])('a body that arrives after the key changed does nothing: %s', async (_, change, status) => {
  const { made, patch, get, origin } = await operated();
  const { id, raw_key } = await made({ scopes: ['keys:write'] });
  const target = await made({ scopes: [] });
  const raw = await connectRaw(origin);
  const body = '{"label": "changed"}';
  const head = [`PATCH /auth/keys/${target.id} HTTP/1.1`, 'Host: localhost', `X-API-Key: ${raw_key}`];
  const rest = ['Content-Type: application/json', `Content-Length: ${body.length}`, 'Expect: 100-continue'];
  raw.write(`${[...head, ...rest].join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  // The service reads the body when the key is authenticated.
  while (!raw.text().includes('100 Continue')) await nextTurn();
  await get(id);
  expect((await patch(id, change)).status).toBe(200);
  raw.write(body.slice(5));
  while (!/HTTP\/1.1 [2-5]/.test(raw.text())) await nextTurn();
  expect(raw.text()).toContain(`HTTP/1.1 ${status} `);
  expect((await get(target.id)).label).toBe('');
});

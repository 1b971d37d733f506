import { beforeAll, describe, expect, test } from 'vitest';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { edits } from './edits.ts';
import { isInstalled, proxies } from './proxies.ts';
import { type Stack, startStack } from './stack.ts';

const PREFLIGHT = { Origin: 'https://app.test', 'Access-Control-Request-Method': 'PUT' };

describe.each(proxies.filter(isInstalled))('$name, when it lets CORS preflights through', (proxy) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack(proxy, edits.allowPreflight[proxy.name]);
    return () => stack.close();
  });

  test('passes a preflight on without a key, and without an identity', async () => {
    const answer = await stack.newClient()({
      method: 'OPTIONS',
      path: '/some/path?q=1',
      headers: {
        ...PREFLIGHT,
        'X-Keyhearth-Key-Id': '1',
        X_Keyhearth_Label: 'made-up',
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    expect(answer).toMatchObject({ status: 200, json: { method: 'OPTIONS', url: '/some/path?q=1' } });
    expect(answer.json.headers).toMatchObject({ origin: PREFLIGHT.Origin });
    expect(answer.json.headers['x-keyhearth-key-id'] ?? '').toBe('');
    expect(answer.json.headers['x-keyhearth-label'] ?? '').toBe('');
    expect(answer.json.headers).not.toHaveProperty('upgrade');
    expect(answer.text).not.toContain('made-up');
  });

  test.each([
    ['GET', PREFLIGHT],
    ['POST', PREFLIGHT],
    ['HEAD', PREFLIGHT],
    ['PUT', { ...PREFLIGHT, 'X-HTTP-Method-Override': 'OPTIONS' }],
    ['OPTIONS', {}],
    ['OPTIONS', { Origin: PREFLIGHT.Origin }],
    ['OPTIONS', { 'Access-Control-Request-Method': 'PUT' }],
    ['OPTIONS', { Access_Control_Request_Method: 'PUT', Origin: PREFLIGHT.Origin }],
  ])('refuses everything else without a key: %s with %j', async (method, headers) => {
    const before = stack.passed();
    const { status } = await stack.newClient()({ method, path: '/', headers });
    expect({ status, passed: stack.passed() - before }).toEqual({ status: 401, passed: 0 });
  });

  test('lets the request through that follows with its key', async () => {
    const headers = { Origin: PREFLIGHT.Origin, 'X-API-Key': FIRST_KEY };
    const answer = await stack.newClient()({ method: 'PUT', path: '/', headers, body: 'text' });
    expect(answer).toMatchObject({ status: 200, json: { headers: { 'x-keyhearth-key-id': '1' } } });
  });
});

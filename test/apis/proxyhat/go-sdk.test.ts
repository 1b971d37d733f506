import { expect, test } from 'vitest';
import { codeAt } from '../../support/codes.ts';
import type { Json } from '../../support/http.ts';
import { PASSWORD, proxyhat } from '../../support/proxyhat.ts';

/**
 * A client in the shape of the Go client of ProxyHat. It decodes `payload` of an answer, else `data`, else the whole body,
 * and it decodes every answer but those of logout and DELETE. Its errors have the `description` or the `message` of the
 * body, and `Retry-After` as an integer.
 */
class GoClient {
  readonly #base: string;
  readonly #token: string;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  async request(method: string, path: string, body?: object, decodes = true): Promise<Json> {
    const response = await fetch(`${this.#base.replace(/\/+$/, '')}/${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        Accept: 'application/json',
        'User-Agent': 'proxyhat-go/0.1.0',
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      const { description, message, errors } = JSON.parse(text);
      const retryAfter = response.headers.get('retry-after');
      throw Object.assign(new Error(description ?? message), {
        status: response.status,
        errors,
        retryAfter: retryAfter === null ? undefined : Number.parseInt(retryAfter, 10),
      });
    }
    if (!decodes) return undefined;
    const decoded = JSON.parse(text);
    if (Array.isArray(decoded)) return decoded;
    return decoded.payload ?? decoded.data ?? decoded;
  }
}

test('a client in the shape of the Go client does everything', async () => {
  const { origin, clock, pass } = await proxyhat({ env: { KEYHEARTH_REGISTRATION: 'open' } });
  const base = `${origin}/v1/`;
  const email = 'gopher@example.com';

  const nobody = new GoClient(base, '');
  const password = { password: PASSWORD, password_confirmation: PASSWORD };
  const registered = await nobody.request('POST', 'auth/register', { name: 'Gopher', email, ...password });
  expect(registered.token_type).toBe('Bearer');
  const signedIn = await nobody.request('POST', 'auth/login', { email, password: PASSWORD });
  expect(signedIn.requires_2fa).toBe(false);
  const person = new GoClient(base, signedIn.access_token);

  const key = await person.request('POST', 'profile/api-keys', { name: 'laptop' });
  const client = new GoClient(base, key.plain_text_token);
  const user = await client.request('GET', 'auth/user');
  expect(user).toMatchObject({ name: 'Gopher', email, traffic: {} });
  expect(typeof key.id).toBe('string');
  expect(await client.request('GET', 'profile/api-keys')).toHaveLength(1);
  const second = await client.request('POST', 'profile/api-keys');
  const fresh = await client.request('POST', `profile/api-keys/${second.id}/regenerate`);
  expect(fresh.id).toBe(second.id);
  await client.request('DELETE', `profile/api-keys/${second.id}`, undefined, false);
  await expect(client.request('DELETE', `profile/api-keys/${second.id}`)).rejects.toMatchObject({
    status: 404,
    message: 'Not found.',
  });

  expect(await person.request('GET', 'profile/2fa/status')).toEqual({ enabled: false });
  const begun = await person.request('POST', 'profile/2fa/enable');
  expect((await person.request('GET', 'profile/2fa/qr-code')).qr).toBe(begun.qr);
  expect((await person.request('GET', 'profile/2fa/recovery-codes')).codes).toEqual(begun.recovery_codes);
  const code = () => codeAt(begun.secret, clock.now());
  expect(await person.request('POST', 'profile/2fa/confirm', { code: code() })).toBeTypeOf('object');
  await expect(nobody.request('POST', 'auth/login', { email, password: PASSWORD })).rejects.toMatchObject({
    status: 403,
    message: 'Two-factor authentication required.',
  });
  pass(30);
  expect(await person.request('POST', 'profile/2fa/disable', { twofa_code: code() })).toBeTypeOf('object');
  const changed = await person.request('POST', 'profile/password', {
    current_password: PASSWORD,
    password: 'another battery staple',
    password_confirmation: 'another battery staple',
  });
  expect(changed).toBeTypeOf('object');

  await person.request('POST', 'auth/logout', undefined, false);
  await expect(person.request('GET', 'auth/user')).rejects.toMatchObject({
    status: 401,
    message: 'Unauthenticated.',
  });
  await expect(nobody.request('POST', 'auth/login', { email: 'x', password: 'x' })).rejects.toMatchObject({
    status: 422,
    message: 'Validation failed',
    errors: { email: [expect.any(String)] },
  });
  for (let i = 0; i < 5; i++)
    await expect(nobody.request('POST', 'auth/login', { email, password: 'x' })).rejects.toThrow();
  await expect(nobody.request('POST', 'auth/login', { email, password: 'x' })).rejects.toMatchObject({
    status: 429,
    retryAfter: 900,
  });
});

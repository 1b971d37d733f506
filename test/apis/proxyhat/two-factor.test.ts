import { describe, expect, test } from 'vitest';
import { codeAt, wrongCodeAt } from '../../support/codes.ts';
import { ADMIN, type ClientCall, PASSWORD, proxyhat } from '../../support/proxyhat.ts';

const NEEDS_2FA = { message: 'Two-factor authentication required.', requires_2fa: true };
const WRONG = 'The code is wrong or was used already.';

const refusal = (field: string, sentence: string) => ({
  ...{ success: false, payload: null },
  errors: { [field]: [sentence] },
  description: 'Validation failed',
});

async function withTwoFactor() {
  const service = await proxyhat();
  const { clock, signIn } = service;
  const call = await signIn(ADMIN);
  const { json } = await call('POST', 'profile/2fa/enable');
  const secret: string = json.secret;
  const confirmed = await call('POST', 'profile/2fa/confirm', { code: codeAt(secret, clock.now()) });
  expect(confirmed.status).toBe(200);
  /** The code of the next step, because each works once. */
  const nextCode = () => {
    service.pass(30);
    return codeAt(secret, clock.now());
  };
  return { ...service, call, secret, codes: json.recovery_codes as string[], nextCode };
}

const enabled = async (call: ClientCall) => (await call('GET', 'profile/2fa/status')).json;

describe('two-factor authentication', () => {
  test('is set up and confirmed, to the exact body', async () => {
    const { signIn, clock } = await proxyhat();
    const call = await signIn(ADMIN);
    const other = await signIn(ADMIN);
    expect(await enabled(call)).toEqual({ enabled: false });

    const begun = await call('POST', 'profile/2fa/enable');
    expect(begun.status).toBe(200);
    expect(begun.json).toEqual({
      qr: expect.stringMatching(/^<svg.*<\/svg>$/s),
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      recovery_codes: expect.any(Array),
    });
    expect(new Set(begun.json.recovery_codes).size).toBe(8);
    expect(begun.headers['cache-control']).toBe('no-store');
    expect(await enabled(call)).toEqual({ enabled: false });
    await signIn(ADMIN);

    expect((await call('GET', 'profile/2fa/qr-code')).json).toEqual({ qr: begun.json.qr });
    expect((await call('GET', 'profile/2fa/recovery-codes')).json).toEqual({
      codes: begun.json.recovery_codes,
    });

    const { secret } = begun.json;
    const wrong = await call('POST', 'profile/2fa/confirm', { code: wrongCodeAt(secret, clock.now()) });
    expect([wrong.status, wrong.json]).toEqual([422, refusal('code', WRONG)]);
    const right = await call('POST', 'profile/2fa/confirm', { code: codeAt(secret, clock.now()) });
    expect([right.status, right.json]).toEqual([200, { message: 'Two-factor authentication is enabled.' }]);
    expect(await enabled(call)).toEqual({ enabled: true });
    expect((await other('GET', 'auth/user')).status).toBe(401);
    expect((await call('POST', 'profile/2fa/enable')).status).toBe(409);
  });

  test('is asked for at the sign-in, to the exact body', async () => {
    const { as, nextCode, codes } = await withTwoFactor();
    const login = (twofa_code?: string) =>
      as()('POST', 'auth/login', {
        email: ADMIN,
        password: PASSWORD,
        ...(twofa_code !== undefined && { twofa_code }),
      });
    for (const none of [undefined, '', ' ']) {
      const answer = await login(none);
      expect([answer.status, answer.json]).toEqual([403, NEEDS_2FA]);
    }
    const wrong = await login('no code');
    expect([wrong.status, wrong.json]).toEqual([401, { message: 'Unauthenticated.' }]);
    const code = nextCode();
    expect((await login(code)).json).toMatchObject({ requires_2fa: false, token_type: 'Bearer' });
    expect((await login(code)).status).toBe(401);
    expect((await login(codes[0])).status).toBe(200);
    expect((await login(codes[0])).status).toBe(401);
  });

  test('does not say that it is missing to somebody with a wrong password', async () => {
    const { as } = await withTwoFactor();
    expect((await as()('POST', 'auth/login', { email: ADMIN, password: 'wrong' })).status).toBe(401);
  });

  test('is ended with a code', async () => {
    const { call, nextCode } = await withTwoFactor();
    const wrong = await call('POST', 'profile/2fa/disable', { twofa_code: 'no code' });
    expect([wrong.status, wrong.json]).toEqual([422, refusal('twofa_code', WRONG)]);
    const right = await call('POST', 'profile/2fa/disable', { twofa_code: nextCode() });
    expect([right.status, right.json]).toEqual([200, { message: 'Two-factor authentication is disabled.' }]);
    expect(await enabled(call)).toEqual({ enabled: false });
  });

  test('is ended with a recovery code, which works once', async () => {
    const { call, codes, as } = await withTwoFactor();
    const used = codes[0];
    await as()('POST', 'auth/login', { email: ADMIN, password: PASSWORD, twofa_code: used });
    expect((await call('GET', 'profile/2fa/recovery-codes')).json).toEqual({ codes: codes.slice(1) });
    const end = (recovery_code: string | undefined) =>
      call('POST', 'profile/2fa/disable-by-recovery-code', { recovery_code });
    const wrong = await end(used);
    expect([wrong.status, wrong.json]).toEqual([422, refusal('recovery_code', WRONG)]);
    expect((await end(undefined)).json).toEqual(
      refusal('recovery_code', 'The recovery code field is required.'),
    );
    const right = await end(codes[1]?.toLowerCase().replace('-', ''));
    expect([right.status, right.json]).toEqual([200, { message: 'Two-factor authentication is disabled.' }]);
    expect(await enabled(call)).toEqual({ enabled: false });
  });

  test('needs a sign-in of the last 15 minutes', async () => {
    const { call, pass, codes } = await withTwoFactor();
    pass(15 * 60);
    for (const [method, path, body] of [
      ['GET', 'profile/2fa/recovery-codes'],
      ['GET', 'profile/2fa/qr-code'],
      ['POST', 'profile/2fa/enable'],
      ['POST', 'profile/2fa/disable-by-recovery-code', { recovery_code: codes[0] }],
    ] as const) {
      const answer = await call(method, path, body);
      expect([path, answer.status, answer.json]).toEqual([path, 403, { message: expect.any(String) }]);
      expect(answer.text).not.toContain(String(codes[0]));
    }
  });

  test('is for people: an API key may only ask whether it is in force', async () => {
    const { call, made, as, codes } = await withTwoFactor();
    const byKey = as((await made(call)).plain_text_token);
    expect(await enabled(byKey)).toEqual({ enabled: true });
    for (const [method, path, body] of [
      ['GET', 'profile/2fa/recovery-codes'],
      ['GET', 'profile/2fa/qr-code'],
      ['POST', 'profile/2fa/enable'],
      ['POST', 'profile/2fa/confirm', { code: '123456' }],
      ['POST', 'profile/2fa/disable', { twofa_code: '123456' }],
      ['POST', 'profile/2fa/disable-by-recovery-code', { recovery_code: codes[0] }],
      ['POST', 'profile/password', { current_password: PASSWORD, ...twice('another battery staple') }],
    ] as const)
      expect([path, (await byKey(method, path, body)).status]).toEqual([path, 403]);
  });

  test('five wrong codes lock the account', async () => {
    const { call, nextCode } = await withTwoFactor();
    const end = (twofa_code: string) => call('POST', 'profile/2fa/disable', { twofa_code });
    for (let i = 0; i < 5; i++) expect((await end('no code')).status).toBe(422);
    expect((await end(nextCode())).json).toEqual({ message: 'Too Many Attempts.' });
  });
});

const twice = (password: string) => ({ password, password_confirmation: password });

describe('a change of the password', () => {
  test('ends all other access tokens and sessions, and keeps the keys', async () => {
    const { signIn, made, as, send } = await proxyhat();
    const [call, other] = [await signIn(ADMIN), await signIn(ADMIN)];
    const { plain_text_token: key } = await made(call);
    const session = await send({
      method: 'POST',
      path: '/auth/login',
      body: { email: ADMIN, password: PASSWORD },
    });
    const Cookie = String(session.headers['set-cookie']?.[0]?.split(';')[0]);
    const answer = await call('POST', 'profile/password', {
      current_password: PASSWORD,
      ...twice('another battery staple'),
      twofa_code: null,
    });
    expect([answer.status, answer.json]).toEqual([200, { message: 'The password is changed.' }]);
    expect((await call('GET', 'auth/user')).status).toBe(200);
    expect((await other('GET', 'auth/user')).status).toBe(401);
    expect((await send({ path: '/auth/self', headers: { Cookie } })).status).toBe(401);
    expect((await as(key)('GET', 'auth/user')).status).toBe(200);
    await signIn(ADMIN, { password: 'another battery staple' });
  });

  test.each([
    [
      'a wrong current password',
      { current_password: 'wrong' },
      ['current_password', 'The current password field is not your password.'],
    ],
    [
      'another confirmation',
      { password_confirmation: 'another' },
      ['password', 'The password confirmation does not match.'],
    ],
    [
      'a short password',
      twice('short'),
      ['password', 'The password field must have at least 12 characters.'],
    ],
    [
      'no current password',
      { current_password: '' },
      ['current_password', 'The current password field is required.'],
    ],
  ] as const)('is refused for %s, to the exact body', async (_, change, [field, sentence]) => {
    const { signIn } = await proxyhat();
    const body = { current_password: PASSWORD, ...twice('another battery staple'), ...change };
    const answer = await (await signIn(ADMIN))('POST', 'profile/password', body);
    expect([answer.status, answer.json]).toEqual([422, refusal(field, sentence)]);
    await signIn(ADMIN);
  });
});

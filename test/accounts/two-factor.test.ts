import { describe, expect, test } from 'vitest';
import { codeAt, wrongCodeAt } from '../support/codes.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled, setUpTwoFactor, signIn } from '../support/people.ts';

const CONFIRM = '/auth/self/two-factor/confirm';
const DISABLE = '/auth/self/two-factor/disable';
const STEP_S = 30;

const outcome = ({ status, json }: { status: number; json: { code?: string } }) => ({
  status,
  code: json?.code,
});

describe('set-up', () => {
  test('an app reads the secret, and nothing counts before a code is confirmed', async () => {
    const { admin, signIn, clock } = await peopled();
    const { status, json } = await admin('POST', '/auth/self/two-factor');
    expect({ status, json }).toEqual({
      status: 200,
      json: {
        secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
        uri: `otpauth://totp/Keyhearth:ops%40example.com?issuer=Keyhearth&secret=${json.secret}&algorithm=SHA1&digits=6&period=30`,
        qr_svg: expect.stringMatching(/^<svg .*<\/svg>$/s),
        recovery_codes: expect.arrayContaining([expect.stringMatching(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/)]),
      },
    });
    expect(new Set(json.recovery_codes).size).toBe(8);
    // A style of its own would need `unsafe-inline`.
    expect(json.qr_svg).not.toMatch(/style|script|on\w+=/);
    expect((await admin('GET', '/auth/self/two-factor')).json).toEqual({ enabled: false });
    await signIn();

    const code = codeAt(json.secret, clock.now());
    expect(await admin('POST', CONFIRM, { code })).toMatchObject({ status: 204 });
    expect((await admin('GET', '/auth/self/two-factor')).json).toEqual({ enabled: true });
    expect(outcome(await admin('POST', '/auth/self/two-factor'))).toEqual({
      status: 409,
      code: 'two_factor_already_enabled',
    });
    expect(outcome(await admin('POST', CONFIRM, { code }))).toEqual({
      status: 409,
      code: 'two_factor_already_enabled',
    });
  });

  test('the database has neither the secret nor a recovery code', async () => {
    const { admin, clock, dataDir } = await peopled();
    const { secret, recoveryCodes } = await setUpTwoFactor(admin, clock);
    const stored = JSON.stringify(await sqlIn(dataDir, 'select * from accounts'));
    for (const text of [secret, ...recoveryCodes]) expect(stored).not.toContain(text);
    const events = JSON.stringify(await sqlIn(dataDir, 'select * from audit_events'));
    for (const text of [secret, ...recoveryCodes]) expect(events).not.toContain(text);
    expect(events).toContain('account.two_factor_enabled');
  });

  test('a wrong code does not confirm, and neither does a code of an earlier secret', async () => {
    const { admin, clock } = await peopled();
    const early = (await admin('POST', '/auth/self/two-factor')).json;
    const late = (await admin('POST', '/auth/self/two-factor')).json;
    for (const code of [wrongCodeAt(late.secret, clock.now()), codeAt(early.secret, clock.now())])
      expect(outcome(await admin('POST', CONFIRM, { code }))).toEqual({
        status: 401,
        code: 'invalid_two_factor_code',
      });
    expect((await admin('POST', CONFIRM, { code: codeAt(early.secret, clock.now()) })).json.detail).toBe(
      'Invalid code. Use the newest QR code, check the clock of the phone, or wait for the next code.',
    );
    expect((await admin('GET', '/auth/self/two-factor')).json).toEqual({ enabled: false });
  });

  test('without a set-up, there is nothing to confirm or to turn off', async () => {
    const { admin } = await peopled();
    expect((await admin('POST', CONFIRM, { code: '123456' })).json.detail).toBe(
      'No set-up has begun. Start with POST /auth/self/two-factor.',
    );
    for (const path of [CONFIRM, DISABLE])
      expect(outcome(await admin('POST', path, { code: '123456' }))).toEqual({
        status: 409,
        code: 'two_factor_not_enabled',
      });
  });

  test('a key has no second factor', async () => {
    const { call } = await peopled();
    for (const [method, path] of [
      ['GET', '/auth/self/two-factor'],
      ['POST', '/auth/self/two-factor'],
      ['POST', CONFIRM],
      ['POST', DISABLE],
      ['GET', '/auth/self/two-factor/recovery-codes'],
    ] as const) {
      const body = method === 'POST' && path !== '/auth/self/two-factor' ? { code: '123456' } : undefined;
      expect({ path, ...outcome(await call(method, path, body)) }).toEqual({
        path,
        status: 403,
        code: 'account_only',
      });
    }
  });
});

describe('sign-in', () => {
  test('needs a code, which works once', async () => {
    const { admin, send, clock, pass } = await peopled();
    const { secret } = await setUpTwoFactor(admin, clock);
    const login = (more: object) =>
      send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, ...more } });
    expect(outcome(await login({}))).toEqual({ status: 401, code: 'two_factor_code_required' });
    // It confirmed the set-up.
    expect(outcome(await login({ code: codeAt(secret, clock.now()) }))).toEqual({
      status: 401,
      code: 'invalid_two_factor_code',
    });
    pass(STEP_S);
    const code = codeAt(secret, clock.now());
    expect(await login({ code: `${code.slice(0, 3)} ${code.slice(3)}` })).toMatchObject({ status: 200 });
    expect(outcome(await login({ code }))).toEqual({ status: 401, code: 'invalid_two_factor_code' });
  });

  test('a code is valid for one step either way', async () => {
    const { admin, send, clock, pass } = await peopled();
    const { secret } = await setUpTwoFactor(admin, clock);
    const at = (steps: number) => codeAt(secret, clock.now() + steps * STEP_S * 1_000);
    const login = async (code: string) =>
      (await send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, code } })).status;
    pass(10 * STEP_S);
    expect(await login(at(-2))).toBe(401);
    expect(await login(at(2))).toBe(401);
    expect(await login(at(-1))).toBe(200);
    expect(await login(at(0))).toBe(200);
    expect(await login(at(1))).toBe(200);
    // An earlier step than the last one is used.
    expect(await login(at(0))).toBe(401);
  });

  test('of 20 sign-ins with one code at once, one succeeds', async () => {
    const { admin, send, clock, pass } = await peopled({ env: {} });
    const { secret } = await setUpTwoFactor(admin, clock);
    pass(STEP_S);
    const body = { ...ADMIN, code: codeAt(secret, clock.now()) };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send({ method: 'POST', path: '/auth/login', body })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('of 20 sign-ins with one recovery code at once, one succeeds', async () => {
    const { admin, send, clock, dataDir } = await peopled();
    const { recoveryCodes } = await setUpTwoFactor(admin, clock);
    const body = { ...ADMIN, recovery_code: recoveryCodes[0] };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send({ method: 'POST', path: '/auth/login', body })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const events = await sqlIn(
      dataDir,
      "select * from audit_events where action = 'account.recovery_code_used'",
    );
    expect(events).toHaveLength(1);
  });

  test('a recovery code works once, however it is written, and the others are left', async () => {
    const { admin, send, clock } = await peopled();
    const { recoveryCodes } = await setUpTwoFactor(admin, clock);
    const [first = '', ...others] = recoveryCodes;
    const login = (code: string) =>
      send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, recovery_code: code } });
    expect(await login(first.replace('-', ' ').toLowerCase())).toMatchObject({ status: 200 });
    expect(outcome(await login(first))).toEqual({ status: 401, code: 'invalid_two_factor_code' });
    const { json } = await admin('GET', '/auth/self/two-factor/recovery-codes');
    expect(json).toEqual({ recovery_codes: others });
    expect(await login(others[6] ?? '')).toMatchObject({ status: 200 });
  });

  test('a recovery code with characters of several bytes is a wrong code', async () => {
    const { admin, send, clock } = await peopled();
    await setUpTwoFactor(admin, clock);
    const body = { ...ADMIN, recovery_code: 'ÄBCDE-FGHIJ' };
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await send({ method: 'POST', path: '/auth/login', body }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429]);
  });
});

describe('turning it off', () => {
  test('takes a code or a recovery code, and needs nothing at the next sign-in', async () => {
    for (const by of ['code', 'recovery_code'] as const) {
      const { admin, clock, pass, signIn } = await peopled();
      const { secret, recoveryCodes } = await setUpTwoFactor(admin, clock);
      pass(STEP_S);
      expect(outcome(await admin('POST', DISABLE, { code: wrongCodeAt(secret, clock.now()) }))).toEqual({
        status: 401,
        code: 'invalid_two_factor_code',
      });
      const given = by === 'code' ? codeAt(secret, clock.now()) : recoveryCodes[7]?.toLowerCase();
      expect(await admin('POST', DISABLE, { [by]: given })).toMatchObject({ status: 204 });
      await signIn();
    }
  });
});

describe('a request without a code that could be right', () => {
  const notSix = 'code must have six digits. Send a recovery code as recovery_code.';

  test('is a 400, and does not count as a failed sign-in', async () => {
    const { admin, clock, send, pass } = await peopled();
    const { secret, recoveryCodes } = await setUpTwoFactor(admin, clock);
    const invalid = (answer: { status: number; json: object }, detail: string) =>
      expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request', detail } });
    for (let attempt = 0; attempt < 3; attempt++) {
      for (const body of [{}, { code: '' }, { recovery_code: '' }])
        invalid(await admin('POST', DISABLE, body), 'code or recovery_code is required.');
      for (const code of ['12345', '1234567', '12345a', recoveryCodes[0]]) {
        invalid(await admin('POST', DISABLE, { code }), notSix);
        invalid(await admin('POST', CONFIRM, { code }), notSix);
        invalid(await send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, code } }), notSix);
      }
      invalid(await admin('POST', CONFIRM, {}), 'code is required.');
    }
    pass(STEP_S);
    await signIn(send, { ...ADMIN, code: codeAt(secret, clock.now()) });
  });

  test('says what to do about a wrong one', async () => {
    const { admin, clock, send, pass } = await peopled();
    const { secret } = await setUpTwoFactor(admin, clock);
    pass(STEP_S);
    const detailOf = async (given: object) =>
      (await send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, ...given } })).json.detail;
    expect(await detailOf({ code: wrongCodeAt(secret, clock.now()) })).toBe(
      'Invalid authenticator code. Check the clock of your phone. If you used this code already, wait for the next one.',
    );
    expect(await detailOf({ recovery_code: 'AAAAA-AAAAA' })).toBe(
      'Invalid recovery code. Each one works once: use another one.',
    );
  });
});

describe('who may change it', () => {
  test('needs the password, or a sign-in of the last 15 minutes', async () => {
    const { admin, clock, pass } = await peopled();
    const { password } = ADMIN;
    const recent = { status: 403, code: 'recent_sign_in_required' };
    pass(15 * 60 - 1);
    expect(await admin('POST', '/auth/self/two-factor')).toMatchObject({ status: 200 });
    expect(await admin('GET', '/auth/self/two-factor/recovery-codes')).toMatchObject({ status: 200 });
    pass(1);
    expect(outcome(await admin('POST', '/auth/self/two-factor'))).toEqual(recent);
    const reading = await admin('GET', '/auth/self/two-factor/recovery-codes');
    expect(outcome(reading)).toEqual(recent);
    expect(reading.json.detail).toBe('Sign in again: this needs a sign-in of the last 15 minutes.');
    const wrong = await admin('POST', '/auth/self/two-factor', { password: 'another password' });
    expect(wrong).toMatchObject({
      status: 401,
      json: {
        code: 'invalid_sign_in',
        detail: 'The password is wrong.',
        errors: [{ path: 'password', message: 'The password is wrong.' }],
      },
    });
    const { json } = await admin('POST', '/auth/self/two-factor', { password });
    const code = codeAt(json.secret, clock.now());
    expect(await admin('POST', CONFIRM, { code })).toMatchObject({ status: 204 });
    pass(STEP_S);
    const next = codeAt(json.secret, clock.now());
    expect(outcome(await admin('POST', DISABLE, { code: next }))).toEqual(recent);
    expect(await admin('POST', DISABLE, { code: next, password })).toMatchObject({ status: 204 });
  });

  test('all other sessions of the account end, at once', async () => {
    const { admin, clock, send, add, pass } = await peopled();
    await add('other@example.com');
    const [second, other] = [
      await signIn(send),
      await signIn(send, { ...ADMIN, email: 'other@example.com' }),
    ];
    const { secret } = await setUpTwoFactor(admin, clock);
    expect(outcome(await second('GET', '/auth/self'))).toEqual({ status: 401, code: 'invalid_session' });
    expect(await admin('GET', '/auth/self')).toMatchObject({ status: 200 });
    expect(await other('GET', '/auth/self')).toMatchObject({ status: 200 });
    pass(STEP_S);
    const third = await signIn(send, { ...ADMIN, code: codeAt(secret, clock.now()) });
    pass(STEP_S);
    await third('POST', DISABLE, { code: codeAt(secret, clock.now()) });
    expect(await admin('GET', '/auth/self')).toMatchObject({ status: 401 });
    expect(await third('GET', '/auth/self')).toMatchObject({ status: 200 });
  });

  test('a stolen session cannot guess codes: they count as failed sign-ins', async () => {
    const { admin, clock, pass, send } = await peopled();
    const { secret } = await setUpTwoFactor(admin, clock);
    pass(STEP_S);
    const statuses: number[] = [];
    for (let guess = 0; guess < 7; guess++) {
      const code = wrongCodeAt(secret, clock.now());
      statuses.push((await admin('POST', DISABLE, { code })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const code = codeAt(secret, clock.now());
    expect(outcome(await admin('POST', DISABLE, { code }))).toEqual({
      status: 429,
      code: 'too_many_sign_in_attempts',
    });
    expect(
      outcome(await send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, code } })),
    ).toMatchObject({ status: 429 });
  });
});

import type { FailureCode, FailureOf } from '../../lib/failure.ts';
import type { Rule } from './problem-rule.ts';

function minutes(seconds: number): string {
  const whole = Math.ceil(seconds / 60);
  return whole === 1 ? '1 minute' : `${whole} minutes`;
}

const WRONG_PASSWORD = 'The password is wrong.';

/** For dialects whose clients have routes of their own, and send no password in such a request. */
export const SIGN_IN_AGAIN = 'Sign in again: this needs a sign-in of the last 15 minutes.';
export const NEEDS_SETUP = 'Two-factor authentication is required here. Set it up first.';
export const NOT_ENABLED = 'Two-factor authentication is not enabled.';

const wrongCode = {
  code: 'Invalid authenticator code. Check the clock of your phone. If you used this code already, wait for the next one.',
  recovery_code: 'Invalid recovery code. Each one works once: use another one.',
  confirmation:
    'Invalid code. Use the newest QR code, check the clock of the phone, or wait for the next code.',
};

/** The rows of the problem dialect for accounts, sessions and invitations. */
export const accountRules = {
  api_key_in_url: {
    status: 401,
    detail:
      'API keys in the URL are off, because proxies log URLs. Send the key in Authorization: Bearer. The operator can allow ?apiKey= with KEYHEARTH_QUERY_KEYS=on.',
  },
  invalid_session: { status: 401, detail: 'Your session has ended. Sign in again.' },
  invalid_sign_in: {
    status: 401,
    detail: ({ field }: FailureOf<'invalid_sign_in'>) =>
      field === undefined ? 'Invalid email or password.' : WRONG_PASSWORD,
    errors: ({ field }: FailureOf<'invalid_sign_in'>) =>
      field === undefined ? [] : [{ path: field, message: WRONG_PASSWORD }],
  },
  two_factor_code_required: {
    status: 401,
    detail: 'This account has two-factor authentication. Send the code of your authenticator app as well.',
  },
  invalid_two_factor_code: {
    status: 401,
    detail: ({ given }: FailureOf<'invalid_two_factor_code'>) => wrongCode[given],
  },
  too_many_sign_in_attempts: {
    status: 429,
    detail: ({ retryAfter }: { retryAfter: number }) =>
      `Too many failed attempts. Try again in ${minutes(retryAfter)}.`,
    headers: ({ retryAfter }: { retryAfter: number }) => ({ 'Retry-After': String(retryAfter) }),
  },
  two_factor_setup_required: {
    status: 403,
    detail: `${NEEDS_SETUP} Start with POST /auth/self/two-factor.`,
  },
  recent_sign_in_required: {
    status: 403,
    detail: ({ isReading }: FailureOf<'recent_sign_in_required'>) =>
      isReading ? SIGN_IN_AGAIN : 'This change needs your password, or a sign-in of the last 15 minutes.',
  },
  cross_site_request: {
    status: 403,
    detail:
      'The request comes from a page of another site. Open Keyhearth at the address that your browser shows, or send an API key in place of the cookie.',
  },
  api_key_only: { status: 403, detail: 'This request needs an API key, and not a session.' },
  account_only: { status: 403, detail: 'This request needs the session of a person, and not an API key.' },
  setup_already_complete: { status: 403, detail: 'Setup already complete.' },
  registration_closed: { status: 403, detail: 'Registration is closed. Ask an admin for an invitation.' },
  account_not_found: { status: 404, detail: 'Account not found.' },
  email_already_used: { status: 409, detail: 'Another account has this e-mail address.' },
  last_admin_required: {
    status: 409,
    detail: 'This is the last admin. Make another account an admin first.',
  },
  session_not_found: { status: 404, detail: 'Session not found.' },
  invitation_not_found: { status: 404, detail: 'Invitation not found.' },
  invalid_invitation: { status: 404, detail: 'This invitation is unknown, used or expired.' },
  two_factor_already_enabled: { status: 409, detail: 'Two-factor authentication is enabled already.' },
  two_factor_not_enabled: {
    status: 409,
    detail: ({ isConfirming }: FailureOf<'two_factor_not_enabled'>) =>
      isConfirming ? 'No set-up has begun. Start with POST /auth/self/two-factor.' : NOT_ENABLED,
  },
} satisfies { [Code in FailureCode]?: Rule<Code> };

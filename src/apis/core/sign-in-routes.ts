import { createRoute } from '@hono/zod-openapi';
import type { SessionService } from '../../accounts/session-service.ts';
import type { SignIn } from '../../accounts/sign-in.ts';
import { headerReader } from '../../http/context.ts';
import { bodyCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { SESSION_COOKIE, type SessionCookies } from '../../http/session-cookie.ts';
import { readCookie } from '../../lib/cookie.ts';
import { DomainError } from '../../lib/failure.ts';
import type { OpenRoute } from '../create-api.ts';
import { refuseCrossSite, visitorOf } from '../visitor.ts';
import { AccountSchema, LoginSchema, presentAccount } from './account-schemas.ts';

const common = { tags: ['Sign-in'] };

const login = createRoute({
  ...common,
  method: 'post',
  path: '/auth/login',
  operationId: 'login',
  summary: 'Sign in',
  description:
    'Starts a session and sets its cookie. An account with two-factor authentication also needs `code` or `recovery_code`.',
  request: { body: { required: true, content: { 'application/json': { schema: LoginSchema } } } },
  responses: {
    200: { description: 'You are signed in', content: { 'application/json': { schema: AccountSchema } } },
    ...problemResponses(
      invalid('email', 'must be an e-mail address'),
      ...bodyCodes,
      'invalid_sign_in',
      'two_factor_code_required',
      'invalid_two_factor_code',
      'cross_site_request',
      'too_many_sign_in_attempts',
      'too_many_failed_attempts',
      'overloaded',
      'database_busy',
    ),
  },
});

const logout = createRoute({
  ...common,
  method: 'post',
  path: '/auth/logout',
  operationId: 'logout',
  summary: 'Sign out',
  description: 'Ends the session of the cookie and removes the cookie. Nothing happens without a session.',
  responses: {
    204: { description: 'The session is over' },
    ...problemResponses('cross_site_request', 'database_busy'),
  },
});

export type SignInRouteParts = {
  signIn: SignIn;
  sessions: SessionService;
  cookies: SessionCookies;
};

export const publicSignInRoutes: OpenRoute[] = [
  { ...login, check: refuseCrossSite },
  // Somebody who wants to leave a computer must be able to.
  { ...logout, check: refuseCrossSite, ignoresLockout: true },
];

export const signInRoutes = ({ signIn, sessions, cookies }: SignInRouteParts) =>
  createRouter()
    .openapi(login, async (c) => {
      const { recovery_code: recoveryCode, ...attempt } = c.req.valid('json');
      const result = await signIn({ ...attempt, recoveryCode }, 'session', visitorOf(c));
      if (result.state === 'code_required') throw new DomainError({ code: 'two_factor_code_required' });
      cookies.set(c, SESSION_COOKIE, result.token);
      return c.json(presentAccount(result.account), 200);
    })
    .openapi(logout, async (c) => {
      const token = readCookie(headerReader(c.env.incoming)('cookie'), SESSION_COOKIE);
      if (token !== undefined) await sessions.endByToken(token, 'session', visitorOf(c));
      cookies.clear(c, SESSION_COOKIE);
      return c.body(null, 204);
    });

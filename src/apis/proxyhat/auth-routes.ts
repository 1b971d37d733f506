import { createRoute } from '@hono/zod-openapi';
import type { Profiles } from '../../accounts/profiles.ts';
import type { SessionService } from '../../accounts/session-service.ts';
import type { SignIn } from '../../accounts/sign-in.ts';
import { actorOf } from '../../http/context.ts';
import { createRouter } from '../../http/router.ts';
import { DomainError } from '../../lib/failure.ts';
import type { OpenRoute } from '../create-api.ts';
import { needsNoTwoFactor } from '../required-scope.ts';
import { visitorOf } from '../visitor.ts';
import { factorOf } from './factor.ts';
import { bodyFailures, busy, failureResponses, guardFailures, invalid, overloaded } from './responses.ts';
import { LoginAnswerSchema, LoginSchema, presentUser, UserSchema } from './schemas.ts';

const common = { tags: ['ProxyHat'] };

const login = createRoute({
  ...common,
  method: 'post',
  path: '/v1/auth/login',
  operationId: 'proxyhatLogin',
  summary: 'Sign in for an access token',
  description:
    'Signs in with e-mail address and password, and gives an access token. An account with two-factor authentication also needs `twofa_code`.',
  request: { body: { required: true, content: { 'application/json': { schema: LoginSchema } } } },
  responses: {
    200: { description: 'You are signed in', content: { 'application/json': { schema: LoginAnswerSchema } } },
    ...failureResponses(
      ...bodyFailures,
      invalid('email', 'must be an e-mail address'),
      { code: 'invalid_sign_in' },
      { code: 'two_factor_code_required' },
      { code: 'too_many_sign_in_attempts', limit: 5, retryAfter: 900 },
      overloaded,
      busy,
    ),
  },
});

const user = createRoute({
  ...common,
  ...needsNoTwoFactor,
  method: 'get',
  path: '/v1/auth/user',
  operationId: 'proxyhatUser',
  summary: 'Get the user',
  description: 'Reads the account of the access token or of the API key.',
  responses: {
    200: { description: 'The account', content: { 'application/json': { schema: UserSchema } } },
    ...failureResponses(...guardFailures),
  },
});

const logout = createRoute({
  ...common,
  ...needsNoTwoFactor,
  method: 'post',
  path: '/v1/auth/logout',
  operationId: 'proxyhatLogout',
  summary: 'End the access token',
  description: 'Ends the access token of the request. An API key is not ended in this way.',
  responses: {
    204: { description: 'The access token is over' },
    ...failureResponses(...guardFailures, { code: 'account_only' }, busy),
  },
});

export type AuthRouteParts = { signIn: SignIn; sessions: SessionService; profiles: Profiles };

export const publicAuthRoutes: OpenRoute[] = [login];

export const authRoutes = ({ signIn, sessions, profiles }: AuthRouteParts) =>
  createRouter()
    .openapi(login, async (c) => {
      const { email, password, twofa_code: code } = c.req.valid('json');
      const result = await signIn({ email, password, ...factorOf(code) }, 'access_token', visitorOf(c));
      if (result.state === 'code_required') throw new DomainError({ code: 'two_factor_code_required' });
      return c.json({ ...presentToken('Signed in.', result.token), requires_2fa: false as const }, 200);
    })
    .openapi(user, async (c) => c.json(presentUser(await profiles.of(actorOf(c))), 200))
    .openapi(logout, async (c) => {
      const actor = actorOf(c);
      if (actor.principal.kind !== 'account') throw new DomainError({ code: 'account_only' });
      await sessions.end(actor.principal.sessionId, actor);
      return c.body(null, 204);
    });

const presentToken = (message: string, token: string) => ({
  message,
  access_token: token,
  accessToken: token,
  token_type: 'Bearer' as const,
});

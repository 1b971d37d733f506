import { createRoute } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import type { Profiles } from '../../accounts/profiles.ts';
import type { AssertRegistrationOpen, Register } from '../../accounts/registration.ts';
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
import {
  LoginAnswerSchema,
  LoginSchema,
  presentUser,
  RegisterSchema,
  TokenSchema,
  UserSchema,
} from './schemas.ts';

const common = { tags: ['ProxyHat'] };

const register = createRoute({
  ...common,
  method: 'post',
  path: '/v1/auth/register',
  operationId: 'proxyhatRegister',
  summary: 'Register an account',
  description:
    'Makes an account and gives an access token, where the operator allows that. Until an admin approves the account, its keys work at this API only.',
  request: { body: { required: true, content: { 'application/json': { schema: RegisterSchema } } } },
  responses: {
    201: { description: 'You are registered', content: { 'application/json': { schema: TokenSchema } } },
    ...failureResponses(
      ...bodyFailures,
      { code: 'email_already_used' },
      { code: 'registration_closed' },
      { code: 'too_many_sign_in_attempts', limit: 20, retryAfter: 900 },
      overloaded,
      busy,
    ),
  },
});

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

export type AuthRouteParts = {
  register: Register;
  assertRegistrationOpen: AssertRegistrationOpen;
  signIn: SignIn;
  sessions: SessionService;
  profiles: Profiles;
};

/** A closed registration is refused before its body is read, which would not matter. */
export const publicAuthRoutes = ({ assertRegistrationOpen }: AuthRouteParts): OpenRoute[] => [
  {
    ...register,
    check: createMiddleware(async (_, next) => {
      await assertRegistrationOpen();
      return next();
    }),
  },
  login,
];

export const authRoutes = ({ register: registerAccount, signIn, sessions, profiles }: AuthRouteParts) =>
  createRouter()
    .openapi(register, async (c) => {
      const { name, email, password } = c.req.valid('json');
      const { token } = await registerAccount({ name, email, password }, 'access_token', visitorOf(c));
      return c.json(presentToken('Registered.', token), 201);
    })
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

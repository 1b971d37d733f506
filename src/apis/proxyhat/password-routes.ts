import { createRoute } from '@hono/zod-openapi';
import type { ChangePassword } from '../../accounts/password-change.ts';
import { actorOf } from '../../http/context.ts';
import { createRouter } from '../../http/router.ts';
import { needsNoScope } from '../required-scope.ts';
import { namingField } from './factor.ts';
import { bodyFailures, busy, failureResponses, guardFailures, invalid, overloaded } from './responses.ts';
import { MessageSchema, PasswordChangeSchema } from './schemas.ts';

const WRONG_PASSWORD = 'is not your password';

const changeOwnPassword = createRoute({
  tags: ['ProxyHat'],
  ...needsNoScope,
  method: 'post',
  path: '/v1/profile/password',
  operationId: 'proxyhatChangePassword',
  summary: 'Change your password',
  description: 'Changes the password of the account. All other sessions and access tokens end.',
  request: { body: { required: true, content: { 'application/json': { schema: PasswordChangeSchema } } } },
  responses: {
    200: {
      description: 'The password is changed',
      content: { 'application/json': { schema: MessageSchema } },
    },
    ...failureResponses(
      ...bodyFailures,
      invalid('current_password', WRONG_PASSWORD),
      ...guardFailures,
      { code: 'account_only' },
      { code: 'too_many_sign_in_attempts', limit: 5, retryAfter: 900 },
      overloaded,
      busy,
    ),
  },
});

export type PasswordRouteParts = { changePassword: ChangePassword };

export const passwordRoutes = ({ changePassword }: PasswordRouteParts) =>
  createRouter().openapi(changeOwnPassword, async (c) => {
    const { current_password: currentPassword, password } = c.req.valid('json');
    await namingField('invalid_sign_in', 'current_password', WRONG_PASSWORD, () =>
      changePassword({ currentPassword, password }, actorOf(c)),
    );
    return c.json({ message: 'The password is changed.' }, 200);
  });

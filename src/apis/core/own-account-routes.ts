import { createRoute } from '@hono/zod-openapi';
import type { ChangePassword } from '../../accounts/password-change.ts';
import type { TwoFactorService } from '../../accounts/two-factor.ts';
import { actorOf } from '../../http/context.ts';
import {
  authenticationCodes,
  bodyCodes,
  invalid,
  problemResponses,
} from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { needsAccount, needsNoTwoFactor } from '../required-scope.ts';
import {
  BeginTwoFactorSchema,
  ChangePasswordSchema,
  ConfirmTwoFactorSchema,
  DisableTwoFactorSchema,
  PendingTwoFactorSchema,
  RecoveryCodesSchema,
  TwoFactorStatusSchema,
} from './own-account-schemas.ts';

const tags = ['Your own account'];
const twoFactorCommon = { tags, ...needsNoTwoFactor };
const personCodes = [...authenticationCodes, 'invalid_session', 'account_only'] as const;
const changeCodes = [
  ...bodyCodes,
  ...personCodes,
  'cross_site_request',
  'too_many_sign_in_attempts',
  'database_busy',
] as const;

/** What the client learns when it gives the password in the request, or does not. */
const passwordCodes = ['invalid_sign_in', 'recent_sign_in_required', 'overloaded'] as const;

const changePassword = createRoute({
  tags,
  ...needsAccount,
  method: 'post',
  path: '/auth/self/password',
  operationId: 'changePassword',
  summary: 'Change your password',
  description:
    'Changes the password of the person who is signed in, and ends all other sessions and access tokens of the account. A wrong current password counts as a failed sign-in.',
  request: { body: { required: true, content: { 'application/json': { schema: ChangePasswordSchema } } } },
  responses: {
    204: { description: 'The password is changed' },
    ...problemResponses(
      invalid('password', 'must have at least 12 characters'),
      ...changeCodes,
      'invalid_sign_in',
      'two_factor_setup_required',
      'overloaded',
    ),
  },
});

const getTwoFactor = createRoute({
  ...twoFactorCommon,
  method: 'get',
  path: '/auth/self/two-factor',
  operationId: 'getTwoFactor',
  summary: 'Get the state of your second factor',
  description: 'Says whether a sign-in of the account needs a second factor.',
  responses: {
    200: { description: 'The state', content: { 'application/json': { schema: TwoFactorStatusSchema } } },
    ...problemResponses(...personCodes),
  },
});

const beginTwoFactor = createRoute({
  ...twoFactorCommon,
  method: 'post',
  path: '/auth/self/two-factor',
  operationId: 'beginTwoFactor',
  summary: 'Begin to set up a second factor',
  description:
    'Makes a secret for an authenticator app, and recovery codes. They count after you confirm them with a code. The request body is optional within 15 minutes of the sign-in.',
  request: { body: { required: false, content: { 'application/json': { schema: BeginTwoFactorSchema } } } },
  responses: {
    200: {
      description: 'The secret and the recovery codes',
      content: { 'application/json': { schema: PendingTwoFactorSchema } },
    },
    ...problemResponses(
      invalid('password', 'must have at most 512 characters'),
      ...changeCodes,
      ...passwordCodes,
      'two_factor_already_enabled',
    ),
  },
});

const confirmTwoFactor = createRoute({
  ...twoFactorCommon,
  method: 'post',
  path: '/auth/self/two-factor/confirm',
  operationId: 'confirmTwoFactor',
  summary: 'Confirm your second factor',
  description:
    'Puts the second factor in force with a code of the authenticator app, and ends all other sessions of the account.',
  request: {
    body: { required: true, content: { 'application/json': { schema: ConfirmTwoFactorSchema } } },
  },
  responses: {
    204: { description: 'Each sign-in now needs a code' },
    ...problemResponses(
      invalid('code', 'is required'),
      ...changeCodes,
      'invalid_two_factor_code',
      'two_factor_already_enabled',
      'two_factor_not_enabled',
    ),
  },
});

const disableTwoFactor = createRoute({
  ...twoFactorCommon,
  method: 'post',
  path: '/auth/self/two-factor/disable',
  operationId: 'disableTwoFactor',
  summary: 'Turn your second factor off',
  description:
    'Needs a code of the authenticator app, or a recovery code. All other sessions of the account end.',
  request: {
    body: { required: true, content: { 'application/json': { schema: DisableTwoFactorSchema } } },
  },
  responses: {
    204: { description: 'A sign-in needs the password alone' },
    ...problemResponses(
      invalid('code', 'must be a string'),
      ...changeCodes,
      ...passwordCodes,
      'invalid_two_factor_code',
      'two_factor_not_enabled',
    ),
  },
});

const listRecoveryCodes = createRoute({
  ...twoFactorCommon,
  method: 'get',
  path: '/auth/self/two-factor/recovery-codes',
  operationId: 'listRecoveryCodes',
  summary: 'List your recovery codes',
  description: 'Lists the recovery codes that are left. This works within 15 minutes of the sign-in only.',
  responses: {
    200: { description: 'The codes', content: { 'application/json': { schema: RecoveryCodesSchema } } },
    ...problemResponses(...personCodes, 'recent_sign_in_required', 'two_factor_not_enabled'),
  },
});

export type OwnAccountRouteParts = { twoFactor: TwoFactorService; changePassword: ChangePassword };

export const ownAccountRoutes = ({ twoFactor, changePassword: change }: OwnAccountRouteParts) =>
  createRouter()
    .openapi(changePassword, async (c) => {
      const { current_password: currentPassword, password } = c.req.valid('json');
      await change({ currentPassword, password }, actorOf(c));
      return c.body(null, 204);
    })
    .openapi(getTwoFactor, async (c) => c.json(await twoFactor.status(actorOf(c)), 200))
    .openapi(beginTwoFactor, async (c) => {
      const { password } = c.req.valid('json');
      const { secret, uri, qrSvg, recoveryCodes } = await twoFactor.begin(actorOf(c), password);
      return c.json({ secret, uri, qr_svg: qrSvg, recovery_codes: recoveryCodes }, 200);
    })
    .openapi(confirmTwoFactor, async (c) => {
      await twoFactor.confirm(c.req.valid('json'), actorOf(c));
      return c.body(null, 204);
    })
    .openapi(disableTwoFactor, async (c) => {
      const { recovery_code: recoveryCode, ...given } = c.req.valid('json');
      await twoFactor.disable({ ...given, recoveryCode }, actorOf(c));
      return c.body(null, 204);
    })
    .openapi(listRecoveryCodes, async (c) => {
      const codes = await twoFactor.recoveryCodes(actorOf(c));
      return c.json({ recovery_codes: codes }, 200);
    });

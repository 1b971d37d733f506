import { createRoute, type z } from '@hono/zod-openapi';
import type { Profiles } from '../../accounts/profiles.ts';
import type { SecondFactor } from '../../accounts/second-factor.ts';
import type { TwoFactorService } from '../../accounts/two-factor.ts';
import { actorOf } from '../../http/context.ts';
import { createRouter } from '../../http/router.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Actor } from '../../lib/principal.ts';
import { needsNoTwoFactor } from '../required-scope.ts';
import { factorOf, namingField } from './factor.ts';
import { bodyFailures, busy, failureResponses, guardFailures, invalid } from './responses.ts';
import { MessageSchema } from './schemas.ts';
import {
  ConfirmSchema,
  DisableSchema,
  PendingSchema,
  QrSchema,
  RecoveryCodesSchema,
  RecoverySchema,
  StatusSchema,
} from './two-factor-schemas.ts';

const common = { tags: ['ProxyHat'], ...needsNoTwoFactor };

const accountOnly: Failure = { code: 'account_only' };
const notRecent: Failure = { code: 'recent_sign_in_required' };
const notEnabled: Failure = { code: 'two_factor_not_enabled' };
const locked: Failure = { code: 'too_many_sign_in_attempts', limit: 5, retryAfter: 900 };
const WRONG_CODE = 'The code is wrong or was used already.';

const answer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});

const body = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { required: true as const, content: { 'application/json': { schema } } },
});

const status = createRoute({
  ...common,
  method: 'get',
  path: '/v1/profile/2fa/status',
  operationId: 'proxyhatTwoFactorStatus',
  summary: 'Get the state of two-factor authentication',
  description: 'Says whether two-factor authentication is in force for the account.',
  responses: { 200: answer('The state', StatusSchema), ...failureResponses(...guardFailures) },
});

const enable = createRoute({
  ...common,
  method: 'post',
  path: '/v1/profile/2fa/enable',
  operationId: 'proxyhatEnableTwoFactor',
  summary: 'Begin two-factor authentication',
  description:
    'Makes a secret and recovery codes. Nothing is in force before you confirm it with a code. Sign in less than 15 minutes before.',
  responses: {
    200: answer('The secret and the recovery codes', PendingSchema),
    ...failureResponses(
      ...guardFailures,
      accountOnly,
      notRecent,
      { code: 'two_factor_already_enabled' },
      busy,
    ),
  },
});

const confirm = createRoute({
  ...common,
  method: 'post',
  path: '/v1/profile/2fa/confirm',
  operationId: 'proxyhatConfirmTwoFactor',
  summary: 'Confirm two-factor authentication',
  description: 'Puts two-factor authentication in force. All other sessions and access tokens end.',
  request: body(ConfirmSchema),
  responses: {
    200: answer('Two-factor authentication is in force', MessageSchema),
    ...failureResponses(
      ...bodyFailures,
      invalid('code', WRONG_CODE),
      ...guardFailures,
      accountOnly,
      notEnabled,
      { code: 'two_factor_already_enabled' },
      locked,
      busy,
    ),
  },
});

const qrCode = createRoute({
  ...common,
  method: 'get',
  path: '/v1/profile/2fa/qr-code',
  operationId: 'proxyhatTwoFactorQrCode',
  summary: 'Get the QR code',
  description: 'Shows the QR code of the secret again. Sign in less than 15 minutes before.',
  responses: {
    200: answer('The QR code', QrSchema),
    ...failureResponses(...guardFailures, accountOnly, notRecent, notEnabled),
  },
});

const recoveryCodes = createRoute({
  ...common,
  method: 'get',
  path: '/v1/profile/2fa/recovery-codes',
  operationId: 'proxyhatRecoveryCodes',
  summary: 'Get the recovery codes',
  description: 'Shows the recovery codes that are left. Sign in less than 15 minutes before.',
  responses: {
    200: answer('The recovery codes', RecoveryCodesSchema),
    ...failureResponses(...guardFailures, accountOnly, notRecent, notEnabled),
  },
});

const disabling = {
  200: answer('Two-factor authentication is off', MessageSchema),
};
const disablingFailures = [...guardFailures, accountOnly, notRecent, notEnabled, locked, busy];

const disable = createRoute({
  ...common,
  method: 'post',
  path: '/v1/profile/2fa/disable',
  operationId: 'proxyhatDisableTwoFactor',
  summary: 'End two-factor authentication',
  description: 'Ends two-factor authentication with a code of the app. Sign in less than 15 minutes before.',
  request: body(DisableSchema),
  responses: {
    ...disabling,
    ...failureResponses(...bodyFailures, invalid('twofa_code', WRONG_CODE), ...disablingFailures),
  },
});

const disableByRecoveryCode = createRoute({
  ...common,
  method: 'post',
  path: '/v1/profile/2fa/disable-by-recovery-code',
  operationId: 'proxyhatDisableTwoFactorByRecoveryCode',
  summary: 'End two-factor authentication without the app',
  description: 'Ends two-factor authentication with a recovery code. Sign in less than 15 minutes before.',
  request: body(RecoverySchema),
  responses: {
    ...disabling,
    ...failureResponses(...bodyFailures, invalid('recovery_code', WRONG_CODE), ...disablingFailures),
  },
});

export type TwoFactorRouteParts = { twoFactor: TwoFactorService; profiles: Profiles };

export const twoFactorRoutes = ({ twoFactor, profiles }: TwoFactorRouteParts) => {
  const naming = <T>(field: string, work: () => Promise<T>) =>
    namingField('invalid_two_factor_code', field, WRONG_CODE, work);

  const end = (field: string, factor: SecondFactor, actor: Actor) =>
    naming(field, () => twoFactor.disable(factor, actor));

  return createRouter()
    .openapi(status, async (c) => c.json({ enabled: (await profiles.of(actorOf(c))).hasTwoFactor }, 200))
    .openapi(enable, async (c) => {
      const pending = await twoFactor.begin(actorOf(c));
      const { qrSvg: qr, secret, recoveryCodes: codes } = pending;
      return c.json({ qr, secret, recovery_codes: codes }, 200);
    })
    .openapi(confirm, async (c) => {
      const { code } = c.req.valid('json');
      await naming('code', () => twoFactor.confirm({ code }, actorOf(c)));
      return c.json({ message: 'Two-factor authentication is enabled.' }, 200);
    })
    .openapi(qrCode, async (c) => c.json({ qr: await twoFactor.qrSvg(actorOf(c)) }, 200))
    .openapi(recoveryCodes, async (c) => c.json({ codes: await twoFactor.recoveryCodes(actorOf(c)) }, 200))
    .openapi(disable, async (c) => {
      await end('twofa_code', factorOf(c.req.valid('json').twofa_code), actorOf(c));
      return c.json({ message: 'Two-factor authentication is disabled.' }, 200);
    })
    .openapi(disableByRecoveryCode, async (c) => {
      const { recovery_code: recoveryCode } = c.req.valid('json');
      await end('recovery_code', { recoveryCode }, actorOf(c));
      return c.json({ message: 'Two-factor authentication is disabled.' }, 200);
    });
};

import { z } from '@hono/zod-openapi';
import {
  CodeSchema,
  confirmation,
  OptionalCodeSchema,
  PasswordSchema,
  RecoveryCodeSchema,
} from './account-schemas.ts';

export const ChangePasswordSchema = z
  .strictObject({
    current_password: PasswordSchema.openapi({ description: 'The password until now' }),
    password: PasswordSchema.openapi({
      description: 'The new password: 12 to 512 characters, and not a common one',
      example: 'purple monkey dishwasher',
    }),
  })
  .openapi('ChangePassword');

export const BeginTwoFactorSchema = z.strictObject(confirmation).openapi('BeginTwoFactor');

export const ConfirmTwoFactorSchema = z.strictObject({ code: CodeSchema }).openapi('ConfirmTwoFactor');

export const DisableTwoFactorSchema = z
  .strictObject({
    code: OptionalCodeSchema,
    recovery_code: RecoveryCodeSchema.optional(),
    ...confirmation,
  })
  .refine(({ code, recovery_code: recoveryCode }) => Boolean(code || recoveryCode), {
    path: ['code'],
    error: 'code or recovery_code is required.',
    // A field that is wrong is the better reason.
    when: ({ issues }) => issues.length === 0,
  })
  .openapi('DisableTwoFactor');

export const TwoFactorStatusSchema = z
  .object({
    enabled: z.boolean().openapi({ description: 'Whether a sign-in needs a second factor', example: true }),
  })
  .openapi('TwoFactorStatus');

const recoveryCodes = z.array(z.string()).openapi({
  description: 'Each code works once, in place of a code of the app',
  example: ['7K2QM-X9D4T'],
});

export const PendingTwoFactorSchema = z
  .object({
    secret: z.string().openapi({
      description: 'The secret, for an app that cannot read the QR code',
      example: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    }),
    uri: z.string().openapi({
      description: 'What the QR code contains',
      example:
        'otpauth://totp/Keyhearth:ops%40example.com?issuer=Keyhearth&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30',
    }),
    qr_svg: z.string().openapi({
      description: 'The QR code as an SVG image',
      example: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 430 430"></svg>',
    }),
    recovery_codes: recoveryCodes,
  })
  .openapi('PendingTwoFactor');

export const RecoveryCodesSchema = z.object({ recovery_codes: recoveryCodes }).openapi('RecoveryCodes');

import { z } from '@hono/zod-openapi';

const MAX_CODE = 50;

const code = (description: string, example: string) =>
  z
    .string({ error: ({ input }) => ((input ?? '') === '' ? 'is required' : 'must be a string') })
    .trim()
    .min(1, { error: 'is required' })
    .max(MAX_CODE, { error: `must be at most ${MAX_CODE} characters` })
    .openapi({ description, example });

const ofApp = () => code('The code of the authenticator app', '123456');

export const ConfirmSchema = z.object({ code: ofApp() }).openapi('ProxyHatConfirmTwoFactor');

export const DisableSchema = z.object({ twofa_code: ofApp() }).openapi('ProxyHatDisableTwoFactor');

export const RecoverySchema = z
  .object({ recovery_code: code('A recovery code. It works once', 'ABCDE-FGHJK') })
  .openapi('ProxyHatRecovery');

export const StatusSchema = z
  .object({
    enabled: z.boolean().openapi({
      description: 'Whether two-factor authentication is in force',
      example: false,
    }),
  })
  .openapi('ProxyHatTwoFactorStatus');

const qr = () => z.string().openapi({ description: 'The QR code, as SVG', example: '<svg></svg>' });

const codes = () =>
  z.array(z.string()).openapi({
    description: 'Recovery codes, each of which works once in place of a code',
    example: ['ABCDE-FGHJK'],
  });

export const QrSchema = z.object({ qr: qr() }).openapi('ProxyHatQrCode');

export const RecoveryCodesSchema = z.object({ codes: codes() }).openapi('ProxyHatRecoveryCodes');

export const PendingSchema = z
  .object({
    qr: qr(),
    secret: z.string().openapi({
      description: 'The secret for the authenticator app, in base32',
      example: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    }),
    recovery_codes: codes(),
  })
  .openapi('ProxyHatPendingTwoFactor');

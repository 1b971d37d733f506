import { z } from 'zod';
import { personOf } from '../../accounts/person.ts';
import type { TwoFactorService } from '../../accounts/two-factor.ts';
import { DomainError } from '../../lib/failure.ts';
import type { Actor } from '../../lib/principal.ts';
import { PasswordSchema } from './schemas.ts';
import { secondFactorOf } from './second-factor.ts';
import { procedure } from './trpc.ts';

export type TwoFactorParts = { twoFactor: TwoFactorService };

const UserSchema = z.object({ userId: z.string() });
const CodeSchema = z.string().max(50);
const EnableSchema = UserSchema.extend({ secret: z.string().max(100), code: CodeSchema });
const DisableSchema = UserSchema.extend({ password: PasswordSchema, code: CodeSchema });

/** Nobody sets up the second factor of somebody else. @throws DomainError `account_not_found` */
function assertOwn(userId: string, actor: Actor): void {
  if (personOf(actor).id !== userId) throw new DomainError({ code: 'account_not_found' });
}

/** The client expects a wrong code here to be a BAD_REQUEST, because nobody signs in with it. */
function wrongCode(error: unknown): never {
  const isWrong = error instanceof DomainError && error.failure.code === 'invalid_two_factor_code';
  if (!isWrong) throw error;
  const errors = [{ path: 'code', message: 'Invalid authenticator code. Check the clock of your device.' }];
  throw new DomainError({ code: 'invalid_request', errors });
}

export const twoFactorProcedures = ({ twoFactor }: TwoFactorParts) => ({
  setupTotp: procedure('person before 2FA')
    .input(UserSchema)
    .mutation(async ({ ctx: { actor }, input }) => {
      assertOwn(input.userId, actor);
      const { secret, uri, qrSvg } = await twoFactor.begin(actor);
      return { secret, uri, qrSvg };
    }),

  verifyAndEnableTotp: procedure('person before 2FA')
    .input(EnableSchema)
    .mutation(async ({ ctx: { actor }, input: { userId, secret, code } }) => {
      assertOwn(userId, actor);
      await twoFactor.confirm({ secret, code }, actor).catch(wrongCode);
      return { ok: true };
    }),

  disableTotp: procedure('person')
    .input(DisableSchema)
    .mutation(async ({ ctx: { actor }, input: { userId, password, code } }) => {
      assertOwn(userId, actor);
      await twoFactor.disable({ ...secondFactorOf(code), password }, actor);
      return { ok: true };
    }),
});

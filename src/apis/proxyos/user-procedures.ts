import { type AccountParts, accountProcedures } from './account-procedures.ts';
import { type SignInProcedureParts, signInProcedures } from './sign-in-procedures.ts';
import { router } from './trpc.ts';
import { type TwoFactorParts, twoFactorProcedures } from './two-factor-procedures.ts';

export type UserParts = SignInProcedureParts & AccountParts & TwoFactorParts;

export const userProcedures = (parts: UserParts) =>
  router({ ...signInProcedures(parts), ...accountProcedures(parts), ...twoFactorProcedures(parts) });

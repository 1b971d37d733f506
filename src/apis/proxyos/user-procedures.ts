import { type ProfileParts, profileProcedures } from './profile-procedures.ts';
import { type SignInProcedureParts, signInProcedures } from './sign-in-procedures.ts';
import { router } from './trpc.ts';
import { type TwoFactorParts, twoFactorProcedures } from './two-factor-procedures.ts';

export type UserParts = SignInProcedureParts & ProfileParts & TwoFactorParts;

export const userProcedures = (parts: UserParts) =>
  router({ ...signInProcedures(parts), ...profileProcedures(parts), ...twoFactorProcedures(parts) });

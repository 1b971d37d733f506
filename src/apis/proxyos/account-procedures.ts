import { z } from 'zod';
import type { AccountService } from '../../accounts/service.ts';
import { AccountId } from '../../lib/brand.ts';
import { DomainError } from '../../lib/failure.ts';
import { lacks } from './needs.ts';
import { presentListed, presentProfile, ROLES, type ShownRole } from './present.ts';
import { EmailSchema, PasswordSchema } from './schemas.ts';
import { procedure } from './trpc.ts';

export type AccountParts = { accounts: AccountService };

const IdSchema = z.object({ id: z.string() });
const RoleSchema = z.enum(Object.keys(ROLES) as [ShownRole, ...ShownRole[]], {
  error: 'must be admin or viewer',
});
const NewAccountSchema = z.object({
  email: EmailSchema,
  password: PasswordSchema,
  role: RoleSchema.default('viewer'),
});

/** Accounts. The services decide who sees and changes which one. */
export const accountProcedures = ({ accounts }: AccountParts) => ({
  getProfile: procedure('credential before 2FA')
    .input(IdSchema)
    .query(async ({ ctx: { actor }, input: { id } }) => {
      // Before the second factor, people read their own profile alone.
      const failure = id === actor.principal.id ? undefined : lacks(actor.principal, 'admin');
      if (failure) throw new DomainError(failure);
      return presentProfile(await accounts.get(AccountId(id), actor));
    }),

  list: procedure('admin').query(async ({ ctx: { actor } }) =>
    (await accounts.list(actor)).toReversed().map(presentListed),
  ),

  create: procedure('admin')
    .input(NewAccountSchema)
    .mutation(async ({ ctx: { actor }, input: { role, ...wanted } }) => {
      const { id } = await accounts.create({ ...wanted, role: ROLES[role], scopes: [] }, actor);
      return { id: id as string };
    }),

  updateRole: procedure('admin')
    .input(IdSchema.extend({ role: RoleSchema }))
    .mutation(async ({ ctx: { actor }, input: { id, role } }) => {
      await accounts.update(AccountId(id), { role: ROLES[role] }, actor);
      return { ok: true };
    }),

  /** The client cannot say what happens to the keys of the account, so they are deleted too. */
  delete: procedure('admin')
    .input(IdSchema)
    .mutation(async ({ ctx: { actor }, input: { id } }) => {
      await accounts.delete(AccountId(id), { do: 'delete' }, actor);
      return { ok: true };
    }),
});

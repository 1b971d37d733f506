import { z } from 'zod';
import type { AccountService } from '../../accounts/service.ts';
import { DomainError } from '../../lib/failure.ts';
import type { Actor } from '../../lib/principal.ts';
import { lacks } from './needs.ts';
import { presentProfile } from './present.ts';
import { procedure } from './trpc.ts';

export type ProfileParts = { accounts: Pick<AccountService, 'self'> };

const isOwn = (id: string, { principal }: Actor) => principal.kind === 'account' && principal.id === id;

export const profileProcedures = ({ accounts }: ProfileParts) => ({
  getProfile: procedure('credential before 2FA')
    .input(z.object({ id: z.string() }))
    .query(async ({ ctx: { actor }, input: { id } }) => {
      if (isOwn(id, actor)) return presentProfile(await accounts.self(actor));
      const failure = lacks(actor.principal, 'admin');
      throw new DomainError(failure ?? { code: 'account_not_found' });
    }),
});

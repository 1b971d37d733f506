import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';
import type { Account } from './session.ts';

export type { Account };
export type Invitation = InferResponseType<typeof api.auth.invitations.$get, 200>['invitations'][number];

/** What a person is called where the name is missing: people know each other by e-mail address. */
export const callOf = ({ name, email }: Pick<Account, 'name' | 'email'>) => (name === '' ? email : name);

export const ROLE_NAMES = { admin: 'Admin', member: 'Member' } as const;

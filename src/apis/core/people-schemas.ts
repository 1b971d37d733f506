import { z } from '@hono/zod-openapi';
import type { Invitation } from '../../accounts/invitations.ts';
import type { FateOfKeys } from '../../accounts/removal.ts';
import type { VisibleSession } from '../../accounts/session-service.ts';
import { InvitationId, SessionId } from '../../lib/brand.ts';
import {
  AccountSchema,
  accountId,
  confirmation,
  EmailSchema,
  NameSchema,
  PasswordSchema,
} from './account-schemas.ts';
import { ScopesSchema } from './key-settings-schemas.ts';

/** What admins send and get about accounts and invitations, and people about their sessions. */

const EXAMPLE_ID = '8b1a9953-c461-4a0c-8f5a-0c1b1f9c1f5e';
/** Its checksum is wrong, so it is no invitation. */
const EXAMPLE_TOKEN = 'khi_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLEexampl000000';

export const AccountParamsSchema = z.object({
  id: accountId().openapi({
    param: { name: 'id', in: 'path', description: 'The id of the account' },
    type: 'string',
    format: 'uuid',
    example: EXAMPLE_ID,
  }),
});

const numericId = <Id>(of: string, brand: (id: number) => Id) =>
  z.object({
    id: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, { error: 'must be a positive integer' })
      .transform((text) => brand(Number(text)))
      .openapi({
        param: { name: 'id', in: 'path', description: `The id of the ${of}` },
        type: 'integer',
        minimum: 1,
        example: 1,
      }),
  });

export const SessionParamsSchema = numericId('session', SessionId);
export const InvitationParamsSchema = numericId('invitation', InvitationId);

export const AccountsSchema = z
  .object({
    accounts: z.array(AccountSchema).openapi({ description: 'All accounts, the oldest first' }),
  })
  .openapi('Accounts');

const role = z.enum(['admin', 'member'], { error: 'must be admin or member' });

const scopes = ScopesSchema.openapi({
  description:
    'What the keys of a member may hold: the scopes that an admin grants. Absent for an admin, who holds everything',
  example: ['invoices:read'],
});

export const UpdateAccountSchema = z
  .strictObject({
    name: NameSchema.optional(),
    role: role.openapi({ description: 'An admin manages everything, a member their own keys' }).optional(),
    scopes: scopes.optional(),
    ...confirmation,
  })
  .openapi('UpdateAccount', { example: { role: 'member', scopes: ['invoices:read'] } });

export const ConfirmationSchema = z.strictObject(confirmation).openapi('Confirmation');

export const DeleteAccountQuerySchema = z
  .strictObject({
    keys: z
      .literal('delete', { error: 'must be delete' })
      .optional()
      .openapi({
        param: { name: 'keys', in: 'query', description: 'With the value `delete`, the keys are deleted' },
        type: 'string',
        enum: ['delete'],
        example: 'delete',
      }),
    keys_to: accountId()
      .optional()
      .openapi({
        param: {
          name: 'keys_to',
          in: 'query',
          description: 'The account that gets the keys. They keep only the scopes that it holds',
        },
        type: 'string',
        format: 'uuid',
      }),
  })
  .refine((query) => query.keys === undefined || query.keys_to === undefined, {
    path: ['keys'],
    error: 'Send either keys=delete or keys_to, not both.',
  })
  .refine((query) => query.keys !== undefined || query.keys_to !== undefined, {
    path: ['keys'],
    error: 'must be delete, unless keys_to names the account that gets the keys',
  })
  .transform(
    ({ keys_to }): FateOfKeys =>
      keys_to === undefined ? { do: 'delete' } : { do: 'hand_over', to: keys_to },
  );

const seconds = (description: string, example: number) => z.number().openapi({ description, example });

export const InvitationSchema = z
  .object({
    id: z.int().openapi({ description: 'The id of the invitation', example: 1 }),
    email: z.string().openapi({
      description: 'The e-mail address of the account, in lower case',
      example: 'new@example.com',
    }),
    role: z.enum(['admin', 'member']).openapi({ description: 'The role of the account', example: 'member' }),
    scopes: z
      .array(z.string())
      .openapi({ description: 'What the keys of the account may hold', example: ['invoices:read'] }),
    created_at: seconds('When the invitation was made, in seconds since 1970', 1712345678),
    expires_at: seconds('When the link expires, in seconds since 1970: after 7 days', 1712950478),
  })
  .openapi('Invitation');

export const InvitationsSchema = z
  .object({
    invitations: z
      .array(InvitationSchema)
      .openapi({ description: 'The invitations that somebody can still use, the newest first' }),
  })
  .openapi('Invitations');

export const CreateInvitationSchema = z
  .strictObject({
    email: EmailSchema,
    role: role.default('member').openapi({ description: 'The role of the account, `member` by default' }),
    scopes: scopes.optional(),
    ...confirmation,
  })
  .openapi('CreateInvitation', { example: { email: 'new@example.com', scopes: ['invoices:read'] } });

export const CreatedInvitationSchema = InvitationSchema.extend({
  token: z.string().openapi({
    description: 'The secret of the link. No other answer contains it',
    example: EXAMPLE_TOKEN,
  }),
  url: z.string().openapi({
    description: 'The link for the invited person, which works once. No other answer contains it',
    example: `https://keys.example.com/dashboard/invitation#${EXAMPLE_TOKEN}`,
  }),
}).openapi('CreatedInvitation');

export const AcceptInvitationSchema = z
  .strictObject({
    token: z
      .string()
      .max(512, { error: 'must be the token of an invitation' })
      .openapi({ description: 'What follows # in the link', example: EXAMPLE_TOKEN }),
    password: PasswordSchema,
    name: NameSchema.optional(),
  })
  .openapi('AcceptInvitation');

export const SessionSchema = z
  .object({
    id: z.int().openapi({ description: 'The id of the session', example: 1 }),
    kind: z.enum(['session', 'access_token']).openapi({
      description: '`session`: the cookie of a browser. `access_token`: a token of the ProxyHat API',
      example: 'session',
    }),
    is_current: z
      .boolean()
      .openapi({ description: 'Whether it is the session of the request', example: true }),
    created_at: seconds('When the person signed in, in seconds since 1970', 1712345678),
    renewed_at: seconds('The day of the last use, in seconds since 1970', 1712345678),
    expires_at: seconds('When the session ends, unless it is used before, in seconds since 1970', 1714937678),
    address: z
      .string()
      .openapi({ description: 'The address of the client at the sign-in', example: '198.51.100.7' }),
    user_agent: z.string().openapi({
      description: 'The `User-Agent` of the sign-in, at most 200 characters',
      example: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
    }),
  })
  .openapi('Session');

export const SessionsSchema = z
  .object({ sessions: z.array(SessionSchema).openapi({ description: 'The newest first' }) })
  .openapi('Sessions');

export const presentInvitation = (invitation: Invitation): z.infer<typeof InvitationSchema> => ({
  id: invitation.id,
  email: invitation.email,
  role: invitation.role,
  scopes: invitation.role === 'admin' ? ['*'] : [...invitation.scopes],
  created_at: invitation.createdAt / 1_000,
  expires_at: invitation.expiresAt / 1_000,
});

export const presentSession = (
  session: VisibleSession,
  current: SessionId | undefined,
): z.infer<typeof SessionSchema> => ({
  id: session.id,
  kind: session.kind,
  is_current: session.id === current,
  created_at: session.created_at / 1_000,
  renewed_at: session.renewed_at / 1_000,
  expires_at: session.expires_at / 1_000,
  address: session.address,
  user_agent: session.user_agent,
});

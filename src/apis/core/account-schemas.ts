import { z } from '@hono/zod-openapi';
import { publicAccount } from '../../accounts/account.ts';
import { isVisible } from '../../keys/label.ts';
import { AccountId } from '../../lib/brand.ts';
import { once } from './page-schemas.ts';

const MAX_EMAIL = 254;
const MAX_NAME = 200;
/** Longer than any password, so that the reason of a refusal is the length of the password. */
const MAX_PASSWORD_TEXT = 2_048;

const requiredString = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : 'must be a string';

export const EmailSchema = z
  .string({ error: requiredString })
  .trim()
  .max(MAX_EMAIL, { error: `must be at most ${MAX_EMAIL} characters`, abort: true })
  .pipe(z.email({ error: 'must be an e-mail address' }))
  .openapi({ description: 'The e-mail address of the account', example: 'ops@example.com' });

export const NameSchema = z
  .string()
  .trim()
  .max(MAX_NAME, { error: `must be at most ${MAX_NAME} characters` })
  .refine(isVisible, {
    error: 'must be well-formed Unicode without control, direction or other invisible characters',
  })
  .openapi({ description: 'The name of the person, at most 200 characters', example: 'Operations' });

export const PasswordSchema = z
  .string({ error: requiredString })
  .max(MAX_PASSWORD_TEXT, { error: 'must have at most 512 characters' })
  .openapi({
    description: '12 to 512 characters, and not a common one',
    format: 'password',
    example: 'correct horse battery staple',
  });

/** The id of an account, in a path or a query. */
export const accountId = () =>
  z
    .uuid({ error: ({ input }) => (Array.isArray(input) ? once.error : 'must be the id of an account') })
    .toLowerCase()
    .transform(AccountId);

/** For changes that need the password, or a sign-in of the last minutes. */
export const confirmation = {
  password: PasswordSchema.openapi({
    description: 'Your own password. Not needed within 15 minutes of the sign-in',
  }).optional(),
};

/** Apps show a space in the middle, and people type it. */
const isCode = (text: string) => /^(?:\s*\d){6}\s*$/.test(text);
const notACode = { error: 'code must have six digits. Send a recovery code as recovery_code.' };

export const CodeSchema = z
  .string({ error: requiredString })
  .refine(isCode, notACode)
  .openapi({ description: 'The code of the authenticator app', example: '123456' });

/** Clients send an empty text for a field that they leave out. */
export const OptionalCodeSchema = z
  .string()
  .refine((text) => text === '' || isCode(text), notACode)
  .optional()
  .openapi({ description: 'The code of the authenticator app', example: '123456' });

export const RecoveryCodeSchema = z
  .string()
  .max(50)
  .openapi({ description: 'A recovery code, in place of `code`. It works once', example: '7K2QM-X9D4T' });

export const AccountSchema = z
  .object({
    id: z.uuid().openapi({
      description: 'The id of the account, which no other account gets',
      example: '8b1a9953-c461-4a0c-8f5a-0c1b1f9c1f5e',
    }),
    email: z
      .string()
      .openapi({ description: 'The e-mail address, in lower case', example: 'ops@example.com' }),
    name: z.string().openapi({ description: 'The name of the person', example: 'Operations' }),
    role: z.enum(['admin', 'member']).openapi({
      description: 'An admin manages everything, a member their own keys',
    }),
    scopes: z.array(z.string()).openapi({
      description: 'What the keys of the account may hold. An admin has `*`',
      example: ['invoices:read'],
    }),
    is_approved: z.boolean().openapi({
      description: 'False for an account that registered itself, until an admin approves it',
    }),
    two_factor: z.boolean().openapi({ description: 'Whether a second factor is set up' }),
    created_at: z
      .number()
      .openapi({ description: 'When the account was made, in seconds since 1970', example: 1712345678 }),
    last_sign_in_at: z
      .number()
      .nullable()
      .openapi({ description: 'When the person last signed in, in seconds since 1970', example: 1712345978 }),
  })
  .openapi('Account');

export const presentAccount: (...account: Parameters<typeof publicAccount>) => z.infer<typeof AccountSchema> =
  publicAccount;

export const LoginSchema = z
  .strictObject({
    email: EmailSchema,
    password: PasswordSchema,
    code: OptionalCodeSchema,
    recovery_code: RecoveryCodeSchema.optional(),
  })
  .openapi('Login');

export const SetupSchema = z
  .strictObject({ email: EmailSchema, password: PasswordSchema, name: NameSchema.optional() })
  .openapi('Setup');

export const SetupStatusSchema = z
  .object({
    needs_setup: z.boolean().openapi({ description: 'Whether the service still needs an administrator' }),
    needs_key: z.boolean().openapi({
      description: 'Whether the set-up needs a key with the scope `*`, because the first key is registered',
    }),
  })
  .openapi('SetupStatus');

export const SetUpSchema = z
  .object({
    account: AccountSchema,
    raw_key: z.string().optional().openapi({
      description: 'The first key, when the set-up made it. This answer is the only one that contains it',
    }),
  })
  .openapi('SetUp');

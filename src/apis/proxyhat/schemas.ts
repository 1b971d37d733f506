import { z } from '@hono/zod-openapi';
import type { Account } from '../../accounts/account.ts';
import type { ApiKey } from '../../keys/key.ts';
import { isVisible, MAX_LABEL_LENGTH } from '../../keys/label.ts';
import { KeyId } from '../../lib/brand.ts';
import { DomainError } from '../../lib/failure.ts';

/**
 * The bodies of the ProxyHat API. Its clients send fields that mean nothing here, such as a referral code, so unknown fields
 * are ignored.
 */

const MAX_EMAIL = 254;
/** Longer than any password, so that the reason of a refusal is the length of the password. */
const MAX_PASSWORD_TEXT = 2_048;
export const DEFAULT_KEY_NAME = 'My API Key';

const requiredText = ({ input }: { input?: unknown }) =>
  input === undefined || input === null ? 'is required' : 'must be a string';

const text = () => z.string({ error: requiredText });
const isGiven = [(value: string) => value !== '', { error: 'is required', abort: true }] as const;
const needed = () => text().refine(...isGiven);
/** The original removes spaces around everything but passwords. */
const trimmed = () =>
  text()
    .trim()
    .refine(...isGiven);

/** Clients send null or an empty text for a field that they leave out. */
const optionalText = () =>
  text()
    .nullish()
    .transform((value) => value?.trim() || undefined);

const isShortEnough = (value: string | undefined) => [...(value ?? '')].length <= MAX_LABEL_LENGTH;
const isReadable = (value: string | undefined) => isVisible(value ?? '');
const tooLong = { error: `must be at most ${MAX_LABEL_LENGTH} characters`, abort: true };
const invisible = { error: 'must have no control characters and no other invisible characters' };

const email = () =>
  trimmed()
    .max(MAX_EMAIL, { error: `must be at most ${MAX_EMAIL} characters`, abort: true })
    .pipe(z.email({ error: 'must be an e-mail address' }))
    .openapi({ description: 'The e-mail address of the account', example: 'ops@example.com' });

const password = (description: string) =>
  needed()
    .max(MAX_PASSWORD_TEXT, { error: 'must have at most 512 characters' })
    .openapi({ description, format: 'password', example: 'correct horse battery staple' });

const newPassword = () => password('12 to 512 characters, and not a common one');
const confirmation = () => password('The same password again');

const isConfirmed = (body: { password: string; password_confirmation: string }) =>
  body.password === body.password_confirmation;
const unconfirmed = {
  error: 'The password confirmation does not match.',
  path: ['password'],
  // Also beside other errors, as clients of the original know it.
  when: ({ value }: { value: unknown }) => hasPasswords(value),
};

const hasPasswords = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'password' in value &&
  'password_confirmation' in value &&
  typeof value.password === 'string' &&
  typeof value.password_confirmation === 'string';

export const RegisterSchema = z
  .object({
    name: trimmed()
      .refine(isShortEnough, tooLong)
      .refine(isReadable, invisible)
      .openapi({ description: 'The name of the person, at most 200 characters', example: 'Developer' }),
    email: email(),
    password: newPassword(),
    password_confirmation: confirmation(),
  })
  .refine(isConfirmed, unconfirmed)
  .openapi('ProxyHatRegistration');

export const PasswordChangeSchema = z
  .object({
    current_password: password('Your present password'),
    password: newPassword(),
    password_confirmation: confirmation(),
  })
  .refine(isConfirmed, unconfirmed)
  .openapi('ProxyHatPasswordChange', {
    example: {
      current_password: 'correct horse battery staple',
      password: 'another horse battery staple',
      password_confirmation: 'another horse battery staple',
    },
  });

export const LoginSchema = z
  .object({
    email: email(),
    password: password('The password of the account'),
    twofa_code: optionalText().openapi({
      type: 'string',
      description:
        'The code of the authenticator app, or a recovery code. Only for two-factor authentication',
    }),
  })
  .openapi('ProxyHatLogin', {
    example: { email: 'ops@example.com', password: 'correct horse battery staple' },
  });

const message = () => z.string().openapi({ description: 'A sentence for a person', example: 'Done.' });

export const MessageSchema = z.object({ message: message() }).openapi('ProxyHatMessage');

const token = (description: string) =>
  z
    .string()
    .openapi({ description, example: 'kha_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLEexampl000000' });

export const TokenSchema = z
  .object({
    message: message(),
    access_token: token('The access token. No other answer contains it'),
    accessToken: token('The same access token, for clients that read this name'),
    token_type: z.literal('Bearer').openapi({ description: 'How to send the access token' }),
  })
  .openapi('ProxyHatToken');

export const LoginAnswerSchema = TokenSchema.extend({
  requires_2fa: z.literal(false).openapi({ description: 'Always false: the sign-in is complete' }),
}).openapi('ProxyHatLoginAnswer');

export const UserSchema = z
  .object({
    uuid: z.uuid().openapi({
      description: 'The id of the account',
      example: '8b1a9953-c461-4a0c-8f5a-0c1b1f9c1f5e',
    }),
    name: z.string().openapi({ description: 'The name of the person', example: 'Developer' }),
    email: z.string().openapi({ description: 'The e-mail address', example: 'ops@example.com' }),
    traffic: z.object({}).openapi({ description: 'Always empty: this service counts no traffic' }),
  })
  .openapi('ProxyHatUser');

export const presentUser = ({ id, name, email: address }: Account): z.infer<typeof UserSchema> => ({
  uuid: id,
  name,
  email: address,
  traffic: {},
});

export const KeyNameSchema = z
  .object({
    name: optionalText()
      .refine(isShortEnough, tooLong)
      .refine(isReadable, invisible)
      .openapi({
        type: 'string',
        description: `A name for people, at most 200 characters. \`${DEFAULT_KEY_NAME}\` if you leave it out`,
        example: 'ci',
      }),
  })
  .openapi('ProxyHatKeyName', { example: { name: 'ci' } });

const keyId = () => z.string().openapi({ description: 'The id of the key', example: '7' });
const keyName = () => z.string().openapi({ description: 'The name of the key', example: 'ci' });
const time = (description: string) =>
  z.string().openapi({ description, example: '2024-04-05T19:34:38.123Z' });

export const KeySchema = z
  .object({
    id: keyId(),
    name: keyName(),
    created_at: time('When the key was made'),
    last_used_at: time('When the key was last used, or null').nullable(),
    abilities: z.array(z.string()).openapi({
      description: 'Always `*`: at this API, a key acts for its person',
      example: ['*'],
    }),
  })
  .openapi('ProxyHatKey');

export const NewKeySchema = z
  .object({
    id: keyId(),
    name: keyName(),
    plain_text_token: z.string().openapi({
      description: 'The API key. No other answer contains it: store it now',
      example: 'kh_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLEexampl000000',
    }),
    created_at: time('When the key was made'),
  })
  .openapi('ProxyHatNewKey');

const rfc3339 = (milliseconds: number) => new Date(milliseconds).toISOString();

export const presentKey = (key: ApiKey): z.infer<typeof KeySchema> => ({
  id: String(key.id),
  name: key.label,
  created_at: rfc3339(key.createdAt),
  last_used_at: key.lastUsedAt === null ? null : rfc3339(key.lastUsedAt),
  abilities: ['*'],
});

export const presentNewKey = (key: ApiKey, rawKey: string): z.infer<typeof NewKeySchema> => ({
  id: String(key.id),
  name: key.label,
  plain_text_token: rawKey,
  created_at: rfc3339(key.createdAt),
});

export const KeyParamsSchema = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path', description: 'The id of the key' },
    example: '3',
  }),
});

/** An id that no key can have is one that does not exist. @throws DomainError `api_key_not_found` */
export function keyIdOf(id: string): KeyId {
  if (/^[1-9]\d{0,14}$/.test(id)) return KeyId(Number(id));
  throw new DomainError({ code: 'api_key_not_found' });
}

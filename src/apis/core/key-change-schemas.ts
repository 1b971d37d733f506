import { z } from '@hono/zod-openapi';
import { confirmation } from './account-schemas.ts';
import { ExpiresInSchema } from './duration-schemas.ts';
import {
  AllowedIpsSchema,
  LabelSchema,
  MaxConcurrentSchema,
  MetadataSchema,
  OwnerSchema,
  PrefixSchema,
  RateLimitsSchema,
  ScopesSchema,
} from './key-settings-schemas.ts';
import { ExpiresAtSchema } from './time-schemas.ts';

/** What a client sends to make or change a key. */

const changeable = {
  label: LabelSchema.optional(),
  owner: OwnerSchema.optional(),
  scopes: ScopesSchema.optional(),
  expires_at: ExpiresAtSchema.optional(),
  expires_in: ExpiresInSchema.optional(),
  allowed_ips: AllowedIpsSchema.optional(),
  rate_limits: RateLimitsSchema.optional(),
  max_concurrent: MaxConcurrentSchema.optional(),
  metadata: MetadataSchema.optional(),
};

const oneExpiry = ({ expires_at, expires_in }: { expires_at?: unknown; expires_in?: unknown }) =>
  expires_at === undefined || expires_in === undefined;
const oneExpiryOnly = { path: ['expires_in'], error: 'must not be sent together with expires_at' };

const EXAMPLE = { label: 'backup-server', scopes: ['invoices:read'], expires_in: '90d' };

export const CreateKeySchema = z
  .strictObject({ ...changeable, prefix: PrefixSchema.optional(), ...confirmation })
  .refine(oneExpiry, oneExpiryOnly)
  .transform(({ prefix, password, ...settings }) => ({
    password,
    chosen: { ...toSettings(settings), ...(prefix !== undefined && { prefix }) },
  }))
  .openapi('CreateKey', { example: EXAMPLE });

export const UpdateKeySchema = z
  .strictObject({
    ...changeable,
    force: z.boolean({ error: 'must be true or false' }).default(false).openapi({
      description: 'True: change it even if your own key then no longer works from your address',
    }),
    ...confirmation,
  })
  .refine(oneExpiry, oneExpiryOnly)
  .refine(({ force: _force, password: _password, ...settings }) => Object.keys(settings).length > 0, {
    error: 'must have at least one setting',
    // An unknown field is the better reason.
    when: ({ issues }) => issues.length === 0,
  })
  .transform(({ force, password, ...settings }) => ({ force, password, chosen: toSettings(settings) }))
  .openapi('UpdateKey', { example: { label: 'backup-server', owner: 'ops@example.com' } });

type Sent = z.output<z.ZodObject<typeof changeable>>;

/** Leaves out what was not sent, so that the defaults of the service fill it. */
function toSettings(sent: Sent) {
  const settings = {
    label: sent.label,
    owner: sent.owner,
    scopes: sent.scopes,
    expiresAt: sent.expires_at,
    expiresIn: sent.expires_in,
    allowedIps: sent.allowed_ips,
    rateLimits: sent.rate_limits,
    maxConcurrent: sent.max_concurrent,
    metadata: sent.metadata,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [Name in keyof typeof settings]?:
      | NonNullable<(typeof settings)[Name]>
      | (Name extends 'expiresAt' | 'maxConcurrent' ? null : never);
  };
}

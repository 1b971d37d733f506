import { z } from '@hono/zod-openapi';
import { BOOTSTRAP_TOKEN_HEADER } from '../../http/headers.ts';
import { SuppliedKeySchema } from './key-schemas.ts';
import { LabelSchema } from './key-settings-schemas.ts';

export const BootstrapStatusSchema = z
  .object({
    needs_bootstrap: z
      .boolean()
      .openapi({ description: 'True until the first key is registered', example: true }),
    has_db_keys: z
      .boolean()
      .openapi({ description: 'True as soon as the first key is registered', example: false }),
  })
  .openapi('BootstrapStatus');

export const TokenHeaderSchema = z.looseObject({
  [BOOTSTRAP_TOKEN_HEADER]: z
    .string()
    .optional()
    .openapi({ description: 'The bootstrap token, if the operator has set KEYHEARTH_BOOTSTRAP_TOKEN' }),
});

export const RegisterKeySchema = z
  .strictObject({ api_key: SuppliedKeySchema, label: LabelSchema.optional() })
  .openapi('RegisterKey');

export const RegisteredSchema = z
  .object({
    detail: z.string().openapi({ description: 'A sentence for a person', example: 'API key registered.' }),
  })
  .openapi('Registered');

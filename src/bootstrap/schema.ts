import { z } from '@hono/zod-openapi';
import { LabelSchema, SuppliedKeySchema } from '../keys/schema.ts';

export const BootstrapStatusSchema = z
  .object({
    needs_bootstrap: z
      .boolean()
      .openapi({ description: 'Whether the first key can be registered', example: true }),
    has_db_keys: z.boolean().openapi({ description: 'The opposite', example: false }),
  })
  .openapi('BootstrapStatus');

export const RegisterKeySchema = z
  .strictObject({ api_key: SuppliedKeySchema, label: LabelSchema.default('') })
  .openapi('RegisterKey');

export const RegisteredSchema = z
  .object({ detail: z.string().openapi({ example: 'API key registered.' }) })
  .openapi('Registered');
